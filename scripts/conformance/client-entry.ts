import { createHash } from 'node:crypto'
import type { OidcClient } from '../../contract/oidc-client-schema.ts'
import type { ClientCredentials, PlanClient } from './plans.ts'

/** What all clients of the plans have. */
export const clientDefaults = {
  firstParty: true,
  grants: ['authorization_code', 'refresh_token'],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
} satisfies Partial<OidcClient>

/** The client in the file of a server. */
export function entryOf(
  { name, role: _, key, ...uris }: PlanClient,
  { id, secret = '' }: ClientCredentials = { id: name },
): OidcClient {
  const secretHashes = [createHash('sha256').update(secret).digest('hex')]
  return {
    id,
    name,
    ...clientDefaults,
    ...uris,
    ...(key === undefined
      ? // The plans of OpenID Connect do not know PKCE.
        { requirePkce: false, authentication: { method: 'secret', secretHashes } }
      : { fapi: true, authentication: { method: 'private_key_jwt', jwks: { keys: [key.publicJwk] } } }),
  }
}
