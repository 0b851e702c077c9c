import { randomBytes } from 'node:crypto'
import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { paths } from './build-provider.ts'

/** No client of the file can have this ID, because IDs there begin with a letter or a digit. */
export const accountPagesId = '_account'

/**
 * The pages of a user's own account, as a client of the provider: so users log in to them as to every application. It never
 * gets tokens. The cookie of the login is what opens the pages. Decision 89.
 */
export function accountPagesClient(issuer: string): OidcClient {
  return {
    id: accountPagesId,
    name: 'Account',
    firstParty: true,
    redirectUris: [callbackOf(issuer)],
    grants: ['authorization_code'],
    scopes: ['openid'],
    // The hash of a secret that does not exist: the client cannot authenticate, and so gets no tokens.
    authentication: { method: 'secret', secretHashes: [randomBytes(32).toString('hex')] },
  }
}

/**
 * Where a browser that is not logged in logs in, and then comes back.
 * @param state comes back unchanged
 * @param prompt `login`: the user authenticates again, also in a browser that is logged in
 * @param random for the challenge: without a verifier, the code is of no use
 */
export function accountLoginUrl(
  issuer: string,
  state: string,
  prompt?: 'login',
  random = () => randomBytes(32),
): string {
  const parameters = new URLSearchParams({
    client_id: accountPagesId,
    response_type: 'code',
    redirect_uri: callbackOf(issuer),
    scope: 'openid',
    state,
    code_challenge: random().toString('base64url'),
    code_challenge_method: 'S256',
    ...(prompt !== undefined && { prompt }),
  })
  return `${issuer}${paths.authorization}?${parameters}`
}

function callbackOf(issuer: string): string {
  return `${issuer}/account/callback`
}
