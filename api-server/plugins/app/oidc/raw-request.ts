import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Prepares a request for the library: it builds URLs from these headers, and would believe any client. They come from the
 * configuration and from what trusted proxies tell of the address.
 */
export function prepareRequest({ raw, ip }: FastifyRequest, issuer: string): void {
  const { host, protocol } = new URL(issuer)
  raw.headers.host = host
  raw.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  raw.headers['x-forwarded-for'] = ip
  delete raw.headers['x-forwarded-host']
  // The same list, from which nothing may be read either.
  delete raw.headers['forwarded']
}

/** Headers of the reply are lost when the library answers, unless they are on the response already. */
export function copyHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
}
