import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { type Addresses, browserFor, browserOverrides } from './browser.ts'
import type { Plan } from './suite.ts'

/** Short names of the plans, also in the URLs of the suite, in the order in which they run. */
export const planAliases = ['config', 'basic', 'form-post', 'rp-logout', 'backchannel-logout', 'fapi2'] as const
export type PlanAlias = (typeof planAliases)[number]

/** A client of the provider that a plan uses, however the provider gets it. */
export interface PlanClient {
  /** Unique among all plans, and valid as the name of an object in Kubernetes. */
  name: string
  /** Its name in the configuration of the plan. */
  role: string
  redirectUris: string[]
  postLogoutRedirectUris?: string[]
  backchannelLogoutUri?: string
  /** With it, the client signs assertions, and follows FAPI 2.0. Without it, the client has a secret. */
  key?: ClientKey
}

/** A key pair of a client. */
interface ClientKey {
  publicJwk: { kty: 'RSA'; n: string; e: string; kid: string; alg: string; use: string }
  privateJwk: JWK
}

/** What the provider knows a client by. One with a key has no secret. */
export interface ClientCredentials {
  id: string
  secret?: string
}

/** By the names of the clients. */
export type Credentials = ReadonlyMap<string, ClientCredentials>

/** A plan, and the clients of the provider that it uses. */
export interface PlanWithClients {
  alias: PlanAlias
  clients: PlanClient[]
  /** @param credentials those of its clients, at least */
  plan(credentials: Credentials): Plan
}

function config(alias: PlanAlias, addresses: Addresses, more: object): object {
  return {
    alias,
    description: `AuthService: ${alias}`,
    server: { discoveryUrl: `${addresses.issuer}/.well-known/openid-configuration` },
    browser: browserFor(addresses),
    override: browserOverrides(addresses),
    ...more,
  }
}

/** The clients as the configuration of a plan has them. */
function configOfClients(clients: readonly PlanClient[], credentials: Credentials): object {
  return Object.fromEntries(
    clients.map(({ name, role, key }) => {
      const { id, secret } = credentials.get(name) ?? { id: name }
      const withKey = { scope: 'openid email', jwks: { keys: [key?.privateJwk] }, dpop_signing_alg: 'ES256' }
      return [role, { client_id: id, ...(key === undefined ? { client_secret: secret } : withKey) }]
    }),
  )
}

/** The base of the URLs of a plan at the suite. */
const pathOf = (alias: PlanAlias) => `/test/a/${alias}`

/** A plan of OpenID Connect, with three clients that have secrets. */
function connectPlan(
  alias: PlanAlias,
  name: string,
  variant: Plan['variant'],
  addresses: Addresses,
  hasBackchannel = false,
): PlanWithClients {
  const base = addresses.suite + pathOf(alias)
  const clients = ['client', 'client2', 'client_secret_post'].map((role) => ({
    name: `${alias}-${role.replaceAll('_', '-')}`,
    role,
    redirectUris: [`${base}/callback`],
    postLogoutRedirectUris: [`${base}/post_logout_redirect`],
    ...(hasBackchannel && { backchannelLogoutUri: `${addresses.receiver}${pathOf(alias)}/backchannel_logout` }),
  }))
  return {
    alias,
    clients,
    plan: (credentials) => ({
      name,
      variant,
      config: config(alias, addresses, configOfClients(clients, credentials)),
    }),
  }
}

/** The profile with `private_key_jwt` and DPoP. */
async function fapiPlan(alias: PlanAlias, addresses: Addresses): Promise<PlanWithClients> {
  const callback = `${addresses.suite}${pathOf(alias)}/callback`
  const redirectUris = { client: [callback], client2: [callback, `${callback}?dummy1=lorem&dummy2=ipsum`] }
  const clients = await Promise.all(
    Object.entries(redirectUris).map(async ([role, uris]) => {
      const name = `${alias}-${role}`
      return { name, role, redirectUris: uris, key: await newKey(name) }
    }),
  )
  const resource = { resourceUrl: `${addresses.issuer}/oauth/userinfo`, resourceMethod: 'GET' }
  const variant = {
    openid: 'openid_connect',
    client_auth_type: 'private_key_jwt',
    sender_constrain: 'dpop',
    fapi_profile: 'plain_fapi',
    authorization_request_type: 'simple',
  }
  return {
    alias,
    clients,
    plan: (credentials) => ({
      name: 'fapi2-security-profile-final-test-plan',
      variant,
      config: config(alias, addresses, { ...configOfClients(clients, credentials), resource }),
    }),
  }
}

async function newKey(kid: string): Promise<ClientKey> {
  const { publicKey, privateKey } = await generateKeyPair('PS256', { extractable: true })
  const about = { kid, alg: 'PS256', use: 'sig' }
  const [{ n = '', e = '' }, privateJwk] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)])
  return { publicJwk: { kty: 'RSA', n, e, ...about }, privateJwk: { ...privateJwk, ...about } }
}

const fixed = { client_registration: 'static_client' }
const basic = { ...fixed, server_metadata: 'discovery' }
const logout = { ...fixed, response_type: 'code' }

/** A plan of what the provider claims to conform to. */
export async function planOf(alias: PlanAlias, addresses: Addresses): Promise<PlanWithClients> {
  switch (alias) {
    case 'config':
      return connectPlan(alias, 'oidcc-config-certification-test-plan', {}, addresses)
    case 'basic':
      return connectPlan(alias, 'oidcc-basic-certification-test-plan', basic, addresses)
    case 'form-post':
      return connectPlan(alias, 'oidcc-formpost-basic-certification-test-plan', basic, addresses)
    case 'rp-logout':
      return connectPlan(alias, 'oidcc-rp-initiated-logout-certification-test-plan', logout, addresses)
    case 'backchannel-logout': {
      const name = 'oidcc-backchannel-rp-initiated-logout-certification-test-plan'
      return connectPlan(alias, name, logout, addresses, true)
    }
    case 'fapi2':
      return fapiPlan(alias, addresses)
  }
}
