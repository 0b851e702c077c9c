import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyBaseLogger } from 'fastify'
import { assertionType, refusedToken } from './assertion-type.ts'
import type { RequestState } from './request-state.ts'
import type { ServiceAccounts } from './service-accounts.ts'

/** One request to an endpoint of the library. */
export interface ClientRequest {
  raw: IncomingMessage
  /** The form, as it arrived. */
  form: Buffer
  state: RequestState
  log: FastifyBaseLogger
}

/**
 * The request as the library understands it. It accepts only assertions that the client itself has signed, and has no hook
 * for others: the token of a ServiceAccount is verified here, and replaced by a secret that is valid for this request. A
 * refused token is replaced by a secret that is wrong, so that the library answers and counts the failure as any other.
 */
export async function withClientSecret(
  { raw, form, state, log }: ClientRequest,
  accounts: ServiceAccounts,
  now: Date,
): Promise<IncomingMessage> {
  const parameters = new URLSearchParams(form.toString('utf8'))
  const assertion = onlyAssertion(parameters)
  if (assertion === undefined) return withBody(raw, form)
  const authentication = await accounts.authenticate(assertion, parameters.get('client_id') ?? undefined, now)
  if (authentication === undefined) return withBody(raw, form)

  const secret = randomBytes(32).toString('base64url')
  if (authentication.kind === 'client') state.oneTimeSecret = secret
  else log.info({ reason: authentication.reason }, refusedToken)
  for (const name of ['client_assertion', 'client_assertion_type']) parameters.delete(name)
  parameters.set('client_id', authentication.clientId ?? 'unknown')
  parameters.set('client_secret', secret)
  return withBody(raw, Buffer.from(parameters.toString()))
}

/** undefined: none, or a request that the library refuses, because a parameter is there twice or has another value. */
function onlyAssertion(parameters: URLSearchParams): string | undefined {
  const isOnce = (name: string) => parameters.getAll(name).length === 1
  return isOnce('client_assertion') &&
    isOnce('client_assertion_type') &&
    parameters.get('client_assertion_type') === assertionType &&
    parameters.getAll('client_id').length <= 1 &&
    !parameters.has('client_secret')
    ? (parameters.get('client_assertion') ?? undefined)
    : undefined
}

/** The request with a body that has not been read yet: the library reads it from a stream. */
function withBody({ method, url, headers, socket, httpVersion }: IncomingMessage, body: Buffer): IncomingMessage {
  const stream = new Readable({ read() {} })
  stream.push(body)
  stream.push(null)
  // Koa and the library read nothing else of a request.
  return Object.assign(stream, {
    method,
    url,
    socket,
    httpVersion,
    headers: { ...headers, 'content-length': String(body.length) },
  }) as unknown as IncomingMessage
}
