import { createHash, timingSafeEqual } from 'node:crypto'
import type { OAuthClient } from '../../../config/oauth-clients.ts'
import { assertionType } from '../oidc/assertion-type.ts'

/** Takes the same time for any client and any secret of the same length. */
export function isClient(clients: readonly OAuthClient[], { id, secret }: ClientCredentials): boolean {
  const hash = createHash('sha256').update(secret).digest()
  let known = false
  for (const client of clients) known = (timingSafeEqual(client.secretHash, hash) && client.id === id) || known
  return known
}

export interface ClientCredentials {
  id: string
  secret: string
}

/** `twice`: RFC 6749 section 2.3 allows one method in a request. */
export type CredentialsFault = 'none' | 'malformed' | 'twice'

/**
 * The credentials of a client, by HTTP Basic or in the body. RFC 6749 section 2.3.1.
 * @param authorization the header @param body as parsed from the form
 */
export function credentialsOf(authorization: string | undefined, body: unknown): ClientCredentials | CredentialsFault {
  const posted = postedCredentials(body)
  const hasOther = authorization !== undefined || posted !== undefined
  if (hasOther && typeof body === 'object' && body !== null && 'client_assertion' in body) return 'twice'
  if (authorization === undefined) return posted ?? 'none'
  if (posted !== undefined) return 'twice'
  const encoded = /^Basic +([\w+/=-]+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return 'malformed'
  const [id, ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  if (id === undefined || rest.length === 0) return 'malformed'
  try {
    return { id: formDecoded(id), secret: formDecoded(rest.join(':')) }
  } catch {
    return 'malformed' // a % that is not an escape
  }
}

/** The client assertion in a form (RFC 7521 section 4.2); undefined: none, or other credentials beside it. */
export function assertionOf(
  authorization: string | undefined,
  body: unknown,
): { assertion: string; clientId: string | undefined } | undefined {
  if (authorization !== undefined || typeof body !== 'object' || body === null) return undefined
  const member = (name: string): unknown => Reflect.get(body, name)
  const [assertion, clientId] = [member('client_assertion'), member('client_id')]
  if (typeof assertion !== 'string' || member('client_assertion_type') !== assertionType) return undefined
  if (member('client_secret') !== undefined) return undefined
  return { assertion, clientId: typeof clientId === 'string' ? clientId : undefined }
}

function postedCredentials(body: unknown): ClientCredentials | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const id: unknown = Reflect.get(body, 'client_id')
  const secret: unknown = Reflect.get(body, 'client_secret')
  return typeof id === 'string' && typeof secret === 'string' ? { id, secret } : undefined
}

/** Both parts are encoded as a form before they are joined. RFC 6749 appendix B. */
function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
