import { randomBytes } from 'node:crypto'
import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import type { ClientMetadata } from 'oidc-provider'
import type { IdTokenAlgorithm } from './id-token-keys.ts'

/** The library demands a secret where clients have one. Only hashes are compared, so that this one matches nothing. */
const placeholderSecret = randomBytes(32).toString('base64url')

/**
 * What the format of clients has and this server does not have yet, and what its own settings exclude: one sentence without
 * a full stop for each.
 *
 * @param audience of the API of this server
 */
export function unsupportedBy(
  { grants, scopes = [], resources = [], authentication }: OidcClient,
  audience: string,
): string[] {
  return [
    // The library refuses every request of such a client.
    ...(grants.some((grant) => grant !== 'client_credentials') && scopes.length === 0
      ? ['scopes is empty: name at least one, such as openid']
      : []),
    // A client would get tokens without a user for the routes of this server about users.
    ...(resources.some(({ uri }) => uri === audience)
      ? [`resources: ${audience} is the audience of this server (JWT_AUDIENCE)`]
      : []),
    ...(authentication.method === 'private_key_jwt' && authentication.jwksUri !== undefined
      ? ['this version does not support jwksUri: use jwks']
      : []),
  ]
}

/** A client as the library knows it. OpenID Connect Dynamic Client Registration 1.0 section 2. */
export function metadataOf({
  id,
  name,
  type = 'web',
  redirectUris = [],
  postLogoutRedirectUris = [],
  grants,
  scopes = [],
  authentication,
  dpopBoundAccessTokens = false,
  fapi = false,
}: OidcClient): ClientMetadata {
  return {
    client_id: id,
    client_name: name,
    application_type: type,
    redirect_uris: [...redirectUris],
    post_logout_redirect_uris: [...postLogoutRedirectUris],
    grant_types: [...grants],
    response_types: grants.includes('authorization_code') ? ['code'] : [],
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    id_token_signed_response_alg: idTokenAlgorithmOf({ fapi }),
    dpop_bound_access_tokens: dpopBoundAccessTokens || fapi,
    require_pushed_authorization_requests: fapi,
    ...authenticationOf(authentication),
  }
}

/** FAPI 2.0 Security Profile section 5.4.1 forbids RS256. */
export function idTokenAlgorithmOf({ fapi }: Pick<OidcClient, 'fapi'>): IdTokenAlgorithm {
  return fapi === true ? 'PS256' : 'RS256'
}

function authenticationOf(authentication: OidcClient['authentication']): Partial<ClientMetadata> {
  switch (authentication.method) {
    case 'secret':
      return { token_endpoint_auth_method: 'client_secret_basic', client_secret: placeholderSecret }
    case 'private_key_jwt':
      return { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: authentication.jwks?.keys ?? [] } }
    case 'none':
      return { token_endpoint_auth_method: 'none' }
    case 'serviceAccount':
      // `service-account-request.ts` replaces the token in a request by a secret that is valid for this request only.
      return { token_endpoint_auth_method: 'client_secret_post', client_secret: placeholderSecret }
  }
}
