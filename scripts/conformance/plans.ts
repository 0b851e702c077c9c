import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { OidcClient } from '../../contract/oidc-client-schema.ts'
import { type Addresses, browserFor, browserOverrides } from './browser.ts'
import type { Plan } from './suite.ts'

/** A plan, and the clients of the provider that it uses. */
export interface PlanWithClients {
  /** Short name, also that of the plan in the URLs of the suite. */
  alias: string
  plan: Plan
  clients: OidcClient[]
}

const newSecret = () => randomBytes(32).toString('base64url')

function addressesOf(alias: string, suite: string) {
  const base = `${suite}/test/a/${alias}`
  return {
    callback: `${base}/callback`,
    postLogout: `${base}/post_logout_redirect`,
    backchannel: `${base}/backchannel_logout`,
  }
}

/** A client with a secret. @param more fields that differ */
function clientWithSecret(id: string, secret: string, more: Partial<OidcClient>): OidcClient {
  return {
    id,
    name: id,
    firstParty: true,
    grants: ['authorization_code', 'refresh_token'],
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    authentication: { method: 'secret', secretHashes: [createHash('sha256').update(secret).digest('hex')] },
    // The plans of OpenID Connect do not know PKCE.
    requirePkce: false,
    ...more,
  }
}

function config(alias: string, addresses: Addresses, more: object): object {
  return {
    alias,
    description: `AuthService: ${alias}`,
    server: { discoveryUrl: `${addresses.issuer}/.well-known/openid-configuration` },
    browser: browserFor(addresses),
    override: browserOverrides(addresses),
    ...more,
  }
}

type Variant = Record<string, string>

/** A plan of OpenID Connect, with three clients that have secrets. */
function connectPlan(
  name: string,
  alias: string,
  variant: Variant,
  addresses: Addresses,
  hasBackchannel = false,
): PlanWithClients {
  const { callback, postLogout, backchannel } = addressesOf(alias, addresses.suite)
  const more = {
    redirectUris: [callback],
    postLogoutRedirectUris: [postLogout],
    ...(hasBackchannel && { backchannelLogoutUri: backchannel }),
  }
  const secrets = { client: newSecret(), client2: newSecret(), client_secret_post: newSecret() }
  const entries = Object.entries(secrets).map(([role, secret]) => [`${alias}-${role}`, role, secret] as const)
  const credentials = Object.fromEntries(
    entries.map(([id, role, secret]) => [role, { client_id: id, client_secret: secret }]),
  )
  return {
    alias,
    plan: { name, variant, config: config(alias, addresses, credentials) },
    clients: entries.map(([id, , secret]) => clientWithSecret(id, secret, more)),
  }
}

/** The profile with `private_key_jwt` and DPoP. */
async function fapiPlan(alias: string, addresses: Addresses): Promise<PlanWithClients> {
  const { callback } = addressesOf(alias, addresses.suite)
  const roles = [
    ['client', [callback]],
    ['client2', [callback, `${callback}?dummy1=lorem&dummy2=ipsum`]],
  ] as const
  const built = await Promise.all(
    roles.map(async ([role, redirectUris]) => {
      const id = `${alias}-${role}`
      const { publicJwk, privateJwk } = await newKey(id)
      const authentication = { method: 'private_key_jwt' as const, jwks: { keys: [publicJwk] } }
      return {
        client: {
          ...clientWithSecret(id, '', { redirectUris: [...redirectUris], fapi: true, requirePkce: true }),
          authentication,
        },
        entry: [
          role,
          { client_id: id, scope: 'openid email', jwks: { keys: [privateJwk] }, dpop_signing_alg: 'ES256' },
        ],
      }
    }),
  )
  const more = {
    ...Object.fromEntries(built.map(({ entry }) => entry)),
    resource: { resourceUrl: `${addresses.issuer}/oauth/userinfo`, resourceMethod: 'GET' },
  }
  const variant = {
    openid: 'openid_connect',
    client_auth_type: 'private_key_jwt',
    sender_constrain: 'dpop',
    fapi_profile: 'plain_fapi',
    authorization_request_type: 'simple',
  }
  return {
    alias,
    plan: { name: 'fapi2-security-profile-final-test-plan', variant, config: config(alias, addresses, more) },
    clients: built.map(({ client }) => client),
  }
}

async function newKey(kid: string): Promise<{ publicJwk: JWK & { kty: string }; privateJwk: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair('PS256', { extractable: true })
  const about = { kid, alg: 'PS256', use: 'sig' }
  const [publicJwk, privateJwk] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)])
  return { publicJwk: { kty: 'RSA', ...publicJwk, ...about }, privateJwk: { ...privateJwk, ...about } }
}

/** Everything that the provider claims to conform to. */
export async function allPlans(addresses: Addresses): Promise<PlanWithClients[]> {
  const fixed = { client_registration: 'static_client' }
  const basic = { ...fixed, server_metadata: 'discovery' }
  const logout = { ...fixed, response_type: 'code' }
  return [
    connectPlan('oidcc-config-certification-test-plan', 'config', {}, addresses),
    connectPlan('oidcc-basic-certification-test-plan', 'basic', basic, addresses),
    connectPlan('oidcc-formpost-basic-certification-test-plan', 'form-post', basic, addresses),
    connectPlan('oidcc-rp-initiated-logout-certification-test-plan', 'rp-logout', logout, addresses),
    connectPlan(
      'oidcc-backchannel-rp-initiated-logout-certification-test-plan',
      'backchannel-logout',
      logout,
      addresses,
      true,
    ),
    await fapiPlan('fapi2', addresses),
  ]
}
