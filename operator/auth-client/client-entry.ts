import { isReceiverOf, type LogoutReceiver } from '@authservice-operator/contract/logout-receivers.ts'
import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { parseOidcClients } from '@authservice-operator/contract/oidc-clients.ts'
import { parseDuration } from '../authservice/api/units.ts'
import type { AuthClient } from './api/schema.ts'
import { type CachedClient, mostSpecBytes } from './cached-client.ts'

/** How the client authenticates. */
export function methodOf({ spec }: Pick<AuthClient, 'spec'>) {
  return spec.authentication?.method ?? 'Secret'
}

/** The `client_id`. A namespace contains no dot, so the first dot ends it, and no two clients have the same ID. */
export function clientIdOf({ metadata }: Pick<AuthClient, 'metadata'>): string {
  return `${metadata.namespace}.${metadata.name}`
}

/** The grant of RFC 8628, whose name in the spec is `device_code`. */
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

function grantsOf({ grants = ['authorization_code', 'refresh_token'] }: AuthClient['spec']) {
  return grants
}

/** Whether users log in with the client. Otherwise, it gets tokens only for itself. */
export function logsUsersIn({ spec }: Pick<AuthClient, 'spec'>): boolean {
  return grantsOf(spec).some((grant) => grant !== 'client_credentials')
}

/** Which tokens of ServiceAccounts servers accept. */
interface TokenRules {
  /** The issuer of the cluster. */
  issuer: string
  /** The audience that a token must name: the issuer of the AuthService. */
  audience: string
}

/** What an entry depends on besides its AuthClient. */
interface EntryContext {
  /** Required for the method ServiceAccount. */
  tokenRules?: TokenRules | undefined
  /** Where servers may send logout tokens; undefined: everywhere. */
  receivers?: readonly LogoutReceiver[]
}

/**
 * The client as servers read it from their file.
 * @param secretHashes of the accepted secrets, in hex
 */
export function entryOf(
  { metadata, spec }: AuthClient,
  secretHashes: readonly string[],
  { tokenRules, receivers }: EntryContext = {},
): OidcClient {
  const { backchannelLogoutUri } = spec
  const entry: OidcClient = {
    id: clientIdOf({ metadata }),
    name: spec.displayName ?? metadata.name,
    // A client that is created again does not get the sessions of the deleted one.
    ...(metadata.creationTimestamp !== undefined && { createdAt: metadata.creationTimestamp }),
    type: spec.type === 'Native' ? 'native' : 'web',
    firstParty: spec.firstParty ?? false,
    ...(spec.dpopBoundAccessTokens === true && { dpopBoundAccessTokens: true }),
    ...(spec.fapi === true && { fapi: true }),
    ...(spec.requirePkce === false && { requirePkce: false }),
    ...(spec.redirectUris !== undefined && { redirectUris: spec.redirectUris }),
    ...(spec.postLogoutRedirectUris !== undefined && { postLogoutRedirectUris: spec.postLogoutRedirectUris }),
    ...(backchannelLogoutUri !== undefined && { backchannelLogoutUri }),
    grants: grantsOf(spec).map((grant) => (grant === 'device_code' ? deviceGrant : grant)),
    ...scopesOf(spec),
    ...(spec.resources !== undefined && { resources: spec.resources }),
    ...(spec.userClaims !== undefined && { userClaims: spec.userClaims }),
    ...(spec.claims !== undefined && {
      claims: Object.fromEntries(spec.claims.map(({ name, value }) => [name, value])),
    }),
    ...lifetimesOf(spec),
    authentication: authenticationOf({ metadata, spec }, secretHashes, tokenRules),
  }
  return receivers === undefined ? entry : withAdmittedLogout(entry, receivers)
}

/** The client, without a URI to which servers may not send logout tokens. They would refuse the whole file. */
export function withAdmittedLogout(client: OidcClient, receivers: readonly LogoutReceiver[]): OidcClient {
  const { backchannelLogoutUri: uri, ...others } = client
  return uri === undefined || receivers.some((receiver) => isReceiverOf(uri, receiver)) ? client : others
}

/** Servers refuse clients that log users in without a scope. */
function scopesOf(spec: AuthClient['spec']): Pick<OidcClient, 'scopes'> {
  if (spec.scopes !== undefined) return { scopes: spec.scopes }
  return logsUsersIn({ spec }) ? { scopes: ['openid', 'profile', 'email'] } : {}
}

function lifetimesOf({ lifetimes }: AuthClient['spec']): Pick<OidcClient, 'lifetimes'> {
  if (lifetimes === undefined) return {}
  const entries = Object.entries(lifetimes).map(([name, duration]) => [name, parseDuration(duration)])
  return { lifetimes: Object.fromEntries(entries) }
}

function authenticationOf(
  { metadata, spec }: Pick<AuthClient, 'metadata' | 'spec'>,
  secretHashes: readonly string[],
  rules: TokenRules | undefined,
): OidcClient['authentication'] {
  switch (methodOf({ spec })) {
    case 'Secret':
      return { method: 'secret', secretHashes: [...secretHashes] }
    case 'PrivateKeyJWT':
      return { method: 'private_key_jwt', jwks: { keys: spec.authentication?.jwks?.keys ?? [] } }
    case 'None':
      return { method: 'none' }
    case 'ServiceAccount': {
      if (rules === undefined) throw new Error(`${clientIdOf({ metadata })}: the issuer of ServiceAccounts is unknown`)
      const names = spec.authentication?.serviceAccount?.names ?? []
      const subjects = names.map((name) => `system:serviceaccount:${metadata.namespace}:${name}`)
      return { method: 'serviceAccount', ...rules, subjects }
    }
  }
}

/** A hash in place of that of a secret that does not exist yet. */
const anyHash = '0'.repeat(64)
/** Rules in place of those that are not known yet. */
const anyRules: TokenRules = { issuer: 'https://kubernetes.default.svc', audience: 'https://auth.example.com' }

/**
 * What servers would refuse about the client, by the rules that they use: one sentence without a full stop for each
 * problem. A file with such a client would be refused as a whole.
 */
export function problemsOf(client: CachedClient): readonly string[] {
  const known = checked.get(client) ?? checkedProblems(client)
  checked.set(client, known)
  return known
}

/** Each reconcile of an AuthService needs the result for all of its clients, and cached objects never change. */
const checked = new WeakMap<CachedClient, readonly string[]>()

function checkedProblems(client: CachedClient): string[] {
  if (client.isCut) return [`it has more than ${mostSpecBytes} bytes as JSON. Remove or shorten URIs and keys`]
  const entry = entryOf(client, [anyHash], { tokenRules: anyRules })
  const parsed = parseOidcClients(JSON.stringify({ version: 1, clients: [entry] }))
  if (parsed.kind === 'valid') return []
  return parsed.problems.map((problem) => problem.replace(`client ${entry.id}: `, ''))
}
