import { createHash, randomBytes } from 'node:crypto'
import type { ServerEnvironment } from '../../contract/environment.ts'
import type { OidcClient } from '../../contract/oidc-client-schema.ts'
import { generateOidcKey } from '../../operator/authservice/secrets/generate-key.ts'
import { type Keycloak, startKeycloak } from '../../tools/neighbours/keycloak.ts'
import { onCore } from './cores.ts'
import type { Deployment } from './deployment.ts'
import { password } from './logins.ts'
import { unlimited } from './second-factors.ts'

/** An OpenID provider under load. */
export interface OidcProvider {
  name: string
  pid: number
  /** The start of the URLs in its pages and redirects. */
  origin: string
  /** Where it listens. */
  address: string
  paths: { authorize: string; token: string; userinfo: string }
  /** The form of its login page: the end of its action, and the field for the user. */
  form: { action: string; user: string }
}

/** The secret of both clients. Its characters need no encoding in `client_secret_basic` (RFC 6749 section 2.3.1). */
export const clientSecret = randomBytes(32).toString('base64url')
export const redirectUri = 'https://shop.example.com/callback'
export const scopes = ['openid', 'profile', 'email'] as const
/** What Deployment sets, 15 minutes. */
export const accessTokenSeconds = 900

/** Logs users in. */
export const shop = 'shop'
/** Gets tokens for itself. */
export const job = 'job'

const secret = {
  method: 'secret',
  secretHashes: [createHash('sha256').update(clientSecret).digest('hex')],
} satisfies OidcClient['authentication']

const clients: OidcClient[] = [
  {
    id: shop,
    name: 'Shop',
    firstParty: true,
    redirectUris: [redirectUri],
    grants: ['authorization_code', 'refresh_token'],
    scopes: [...scopes],
    authentication: secret,
  },
  {
    id: job,
    name: 'Job',
    grants: ['client_credentials'],
    resources: [{ uri: 'https://api.example.com', scopes: ['read'] }],
    authentication: secret,
  },
]

/** What turns the OpenID provider of a server on. */
export async function providerSettings(
  deployment: Deployment,
  ofClients: readonly OidcClient[],
): Promise<ServerEnvironment> {
  const now = new Date().toISOString()
  const keys = [{ ...generateOidcKey(), createdAt: now, activateAt: now }]
  return {
    OIDC_CLIENTS_FILE: await deployment.file('clients.json', JSON.stringify({ version: 1, clients: ofClients })),
    OIDC_KEYS_FILE: await deployment.file('oidc-keys.json', JSON.stringify({ version: 1, keys })),
  }
}

/** Starts the auth server as an OpenID provider, without the limits that one address would reach. */
export async function startOurs(deployment: Deployment): Promise<OidcProvider & { stop(): Promise<void> }> {
  const server = await deployment.startServer({
    ...unlimited,
    RATE_LIMIT_REFRESH: '1000000/s',
    ...(await providerSettings(deployment, clients)),
  })
  return {
    name: 'our server',
    pid: server.pid,
    origin: deployment.issuer,
    address: server.origin,
    paths: { authorize: '/oauth/authorize', token: '/oauth/token', userinfo: '/oauth/userinfo' },
    form: { action: '/login', user: 'email' },
    stop: () => server.stop(),
  }
}

/** Two realms of one Keycloak. */
interface KeycloakRealms {
  /** Hashes passwords as Keycloak does by default. */
  usual: OidcProvider
  /** Hashes passwords with one iteration of PBKDF2, which costs nothing. */
  cheap: OidcProvider
  stop(): Promise<void>
}

/** Starts Keycloak on the core, with the same clients, lifetime and algorithms as ours. @param emails of its users */
export async function startKeycloakRealms(
  core: number | undefined,
  emails: readonly string[],
): Promise<KeycloakRealms> {
  const keycloak = await startKeycloak(onCore(core, ['java']))
  try {
    await createRealm(keycloak, 'usual', emails)
    await createRealm(keycloak, 'cheap', emails, 'hashAlgorithm(pbkdf2-sha512) and hashIterations(1)')
  } catch (error) {
    await keycloak.stop()
    throw error
  }
  return {
    usual: realmOf(keycloak, 'usual'),
    cheap: realmOf(keycloak, 'cheap'),
    stop: () => keycloak.stop(),
  }
}

async function createRealm(
  { admin }: Keycloak,
  realm: string,
  emails: readonly string[],
  passwordPolicy?: string,
): Promise<void> {
  // ID tokens have RS256 by default. Access tokens would have it, too.
  const attributes = { 'access.token.signed.response.alg': 'ES256', 'id.token.signed.response.alg': 'RS256' }
  const client = { secret: clientSecret, attributes }
  await admin.post('', {
    realm,
    enabled: true,
    accessTokenLifespan: accessTokenSeconds,
    ...(passwordPolicy !== undefined && { passwordPolicy }),
    clients: [
      { ...client, clientId: shop, redirectUris: [redirectUri] },
      { ...client, clientId: job, standardFlowEnabled: false, serviceAccountsEnabled: true },
    ],
  })
  await admin.post(`/${realm}/components`, {
    name: 'ES256',
    providerType: 'org.keycloak.keys.KeyProvider',
    providerId: 'ecdsa-generated',
    config: { priority: ['200'], active: ['true'], enabled: ['true'], ecdsaEllipticCurveKey: ['P-256'] },
  })
  const credentials = [{ type: 'password', value: password }]
  for (const email of emails) {
    const names = { username: email, email, firstName: 'Test', lastName: 'User' }
    await admin.post(`/${realm}/users`, { ...names, enabled: true, emailVerified: true, credentials })
  }
}

function realmOf({ pid, origin }: Keycloak, realm: string): OidcProvider {
  const base = `/realms/${realm}/protocol/openid-connect`
  return {
    name: 'Keycloak',
    pid,
    origin,
    address: origin.replace('localhost', '127.0.0.1'),
    paths: { authorize: `${base}/auth`, token: `${base}/token`, userinfo: `${base}/userinfo` },
    form: { action: '/login-actions/authenticate', user: 'username' },
  }
}
