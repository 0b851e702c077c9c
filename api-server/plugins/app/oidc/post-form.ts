import { isIP, type LookupFunction } from 'node:net'
import type { LogoutRules } from './client-registry.ts'
import { checkedLookup, isRefusedAddress, RefusedAddressError } from './refused-addresses.ts'

/** Maximum time of one request, with the connection. */
const maxRequestMilliseconds = 5_000

interface PostOptions extends LogoutRules {
  /** Ends the request. */
  stopping: AbortSignal
  /** Instead of the lookup of the system. */
  resolve?: LookupFunction
}

/**
 * Sends a form, and reads no more than the status of the answer. Follows no redirect, so that only URIs of the file of
 * clients are called.
 *
 * @returns the status
 * @throws RefusedAddressError if the host has an address to which no request may go
 */
export async function postForm(
  uri: string,
  form: Record<string, string>,
  { allowsLoopback, ca, stopping, resolve }: PostOptions,
): Promise<number> {
  const host = new URL(uri).hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && isRefusedAddress(host, allowsLoopback)) throw new RefusedAddressError(host)
  // Loaded only here: servers without such clients do not need it.
  const [{ request }, { getCACertificates }] = await Promise.all([import('node:https'), import('node:tls')])
  const body = new URLSearchParams(form).toString()
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(maxRequestMilliseconds)])
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }
  const lookup = checkedLookup(allowsLoopback, resolve)
  const trusted = ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }
  return new Promise((resolve, reject) => {
    const sent = request(uri, { method: 'POST', headers, signal, agent: false, lookup, ...trusted }, (answer) => {
      resolve(answer.statusCode ?? 0)
      answer.destroy()
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
