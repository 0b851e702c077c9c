import { createPublicKey } from 'node:crypto'
import { clientClaimProblems, userClaimNameProblems } from './custom-claims.ts'
import { isReceiverOf } from './logout-receivers.ts'
import {
  fapiAlgorithms,
  identityScopes,
  type OidcClient,
  type OidcClientFile,
  type PublicKeySet,
} from './oidc-client-schema.ts'
import { repeatedIn } from './parse-file.ts'

/** `client_id` of tokens from a login without a client. */
const firstPartyClientId = 'first-party'

/**
 * What is wrong with a client beyond its schema: one sentence without a full stop for each problem, which names the
 * field. Contains no secret, hash or key.
 */
export function clientProblems(client: OidcClient): string[] {
  const { redirectUris = [], postLogoutRedirectUris = [], backchannelLogoutUri, resources = [] } = client
  return [
    ...idProblems(client.id),
    ...redirectUris.flatMap((uri) => sentence('redirectUris', uri, redirectUriProblem(uri, client.type))),
    ...postLogoutRedirectUris.flatMap((uri) =>
      sentence('postLogoutRedirectUris', uri, redirectUriProblem(uri, client.type)),
    ),
    ...(backchannelLogoutUri === undefined
      ? []
      : sentence('backchannelLogoutUri', backchannelLogoutUri, httpsUriProblem(backchannelLogoutUri))),
    ...repeated('redirectUris', redirectUris),
    ...resources.flatMap(({ uri }) => sentence('resources', uri, resourceUriProblem(uri))),
    ...repeated(
      'resources',
      resources.map(({ uri }) => uri),
    ),
    ...resourceScopeProblems(resources),
    ...claimProblems(client),
    ...grantProblems(client),
    ...authenticationProblems(client),
    ...lifetimeProblems(client),
  ]
}

/** RFC 9068 section 5: `sub` of a token for a client is its ID, which must not be that of a user. */
function idProblems(id: string): string[] {
  if (id === firstPartyClientId) return [`id ${id} is reserved for logins without a client`]
  return /^[0-9a-f]{24}$/i.test(id) ? [`id ${id} looks like the ID of a user: choose another one`] : []
}

function sentence(field: string, uri: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`${field}: ${uri} ${problem}`]
}

function repeated(field: string, values: readonly string[]): string[] {
  return repeatedIn(values).map((value) => `${field}: ${value} appears twice`)
}

/**
 * Why a browser must not be sent to this URI with a code, or after a logout; continues a sentence that begins with the
 * URI. undefined: it may. RFC 9700 section 2.1, RFC 8252 sections 7 and 8.
 */
export function redirectUriProblem(uri: string, type: OidcClient['type'] = 'web'): string | undefined {
  const problem = uriProblem(uri)
  if (problem !== undefined) return problem
  const { protocol, hostname } = new URL(uri)
  if (protocol === 'https:') return undefined
  if (type === 'web') {
    return 'does not begin with https://. Plain http and other schemes are only for clients of type native'
  }
  if (protocol === 'http:') {
    return isLoopback(hostname)
      ? undefined
      : 'uses plain http with a host that is not a loopback address. Use https, or http://127.0.0.1'
  }
  return protocol.includes('.')
    ? undefined
    : `has the scheme ${protocol} which others can claim. Use a domain of yours in reverse order, such as com.example.app:/callback`
}

/** Why the server must not call this URI; continues a sentence that begins with the URI. */
export function httpsUriProblem(uri: string): string | undefined {
  return uriProblem(uri) ?? (uri.startsWith('https://') ? undefined : 'does not begin with https://')
}

/** Why the URI cannot name an API; continues a sentence that begins with the URI. RFC 8707 section 2. */
export function resourceUriProblem(uri: string): string | undefined {
  if (!URL.canParse(uri)) return 'is not an absolute URI, such as https://api.example.com'
  return uri.includes('#') ? 'has a fragment (#), which a resource may not have' : undefined
}

/** Faults that no URI may have. */
function uriProblem(uri: string): string | undefined {
  if (uri.includes('*')) return 'has a wildcard (*). List each URI'
  if (/[\s\\]|[^\x20-\x7e]/.test(uri)) return 'has a space, a backslash or a character outside ASCII. Encode it'
  if (!URL.canParse(uri)) return 'is not an absolute URI, such as https://app.example.com/callback'
  if (uri.includes('#')) return 'has a fragment (#), which browsers do not send'
  const { username, password, pathname } = new URL(uri)
  if (username !== '' || password !== '') return 'has a user name or password in it'
  // Written as %2e%2e too. Two parties could resolve it differently.
  return /(^|\/)(\.|%2e){1,2}(\/|$)/i.test(uri.replace(/[?].*$/, '')) || pathname.includes('/../')
    ? 'has . or .. as a part of its path. Write the path that it leads to'
    : undefined
}

/** RFC 8252 section 7.3 and 8.3. `localhost` can resolve to another host, but libraries use it. */
function isLoopback(hostname: string): boolean {
  return hostname === '127.0.0.1' || hostname === '[::1]' || hostname === 'localhost'
}

/** A scope about the user gives the same right for every API, so it is not one of an API. */
function resourceScopeProblems(resources: NonNullable<OidcClient['resources']>): string[] {
  return resources.flatMap(({ uri, scopes = [] }) =>
    scopes
      .filter((scope) => identityScopes.some((each) => each === scope))
      .map((scope) => `resources: the scope ${scope} of ${uri} is one about the user. List it in scopes`),
  )
}

function claimProblems({ userClaims = [], claims = {}, resources = [] }: OidcClient): string[] {
  return [
    ...userClaimNameProblems(userClaims).map((problem) => `userClaims: ${problem}`),
    ...resources.flatMap(({ uri, userClaims: names = [] }) =>
      userClaimNameProblems(names).map((problem) => `resources: userClaims of ${uri}: ${problem}`),
    ),
    ...clientClaimProblems(claims, userClaims).map((problem) => `claims: ${problem}`),
  ]
}

function grantProblems({
  grants,
  redirectUris = [],
  scopes = [],
  resources = [],
  authentication,
}: OidcClient): string[] {
  const usesCodes = grants.includes('authorization_code')
  const usesDevices = grants.includes('urn:ietf:params:oauth:grant-type:device_code')
  return [
    ...(usesCodes && redirectUris.length === 0 ? ['redirectUris is empty, which authorization_code needs'] : []),
    ...(!usesCodes && redirectUris.length > 0
      ? ['redirectUris has no effect without authorization_code in grants']
      : []),
    ...(grants.includes('refresh_token') && !usesCodes && !usesDevices
      ? ['refresh_token in grants needs authorization_code or the device grant, which begin the session']
      : []),
    ...(grants.includes('client_credentials') && authentication.method === 'none'
      ? ['client_credentials in grants needs an authentication other than none']
      : []),
    ...(grants.includes('client_credentials') && resources.length === 0
      ? ['client_credentials in grants needs resources, which its tokens are for']
      : []),
    ...(scopes.includes('offline_access') && !grants.includes('refresh_token')
      ? ['the scope offline_access needs refresh_token in grants']
      : []),
  ]
}

function authenticationProblems({ authentication, fapi = false, requirePkce = true }: OidcClient): string[] {
  const { method } = authentication
  const profile = [
    ...(fapi && method !== 'private_key_jwt'
      ? ['fapi needs the authentication private_key_jwt (FAPI 2.0 Security Profile section 5.3.2.1)']
      : []),
    ...(!requirePkce && (fapi || method === 'none')
      ? ['requirePkce must be true for public clients and with fapi: without it, a stolen code gives tokens']
      : []),
  ]
  switch (method) {
    case 'private_key_jwt': {
      const { jwks, jwksUri } = authentication
      if ((jwks === undefined) === (jwksUri === undefined)) {
        return [...profile, 'private_key_jwt needs either jwks or jwksUri']
      }
      const ofUri = jwksUri === undefined ? [] : sentence('jwksUri', jwksUri, httpsUriProblem(jwksUri))
      const ofKeys = jwks === undefined ? [] : [...keySetProblems(jwks), ...(fapi ? fapiKeyProblems(jwks) : [])]
      return [...profile, ...ofUri, ...ofKeys]
    }
    case 'serviceAccount':
      return [...profile, ...sentence('issuer', authentication.issuer, httpsUriProblem(authentication.issuer))]
    case 'secret':
    case 'none':
      return profile
  }
}

/** Clients whose logout tokens would go to a host that the file does not list: sentences that name the client. */
export function receiverProblems({ clients, logoutReceivers }: OidcClientFile): string[] {
  if (logoutReceivers === undefined) return []
  return clients.flatMap(({ id, backchannelLogoutUri: uri }) =>
    uri === undefined || logoutReceivers.some((receiver) => isReceiverOf(uri, receiver))
      ? []
      : [`client ${id}: backchannelLogoutUri: ${uri} has a host and port that logoutReceivers does not list`],
  )
}

/** What is wrong with the issuers of ServiceAccount tokens: sentences as in `clientProblems`. */
export function issuerProblems({ serviceAccountIssuers = [] }: OidcClientFile): string[] {
  return [
    ...repeated(
      'serviceAccountIssuers',
      serviceAccountIssuers.map(({ issuer }) => issuer),
    ),
    ...serviceAccountIssuers.flatMap(({ jwks }) =>
      keySetProblems(jwks).map((problem) => `serviceAccountIssuers: ${problem}`),
    ),
  ]
}

/** What is wrong with keys that verify signatures. Names keys by their position, never by their content. */
function keySetProblems({ keys }: PublicKeySet): string[] {
  return keys.flatMap((key, index) => {
    const place = `key ${index + 1} of jwks`
    if ('d' in key || 'k' in key) return [`${place} is private or symmetric. Register only the public key`]
    try {
      createPublicKey({ key: { ...key }, format: 'jwk' })
      return []
    } catch {
      return [`${place} is not a usable public key (kty EC, RSA or OKP, RFC 7517)`]
    }
  })
}

function fapiKeyProblems({ keys }: PublicKeySet): string[] {
  const isAllowed = (alg: string | undefined) => alg === undefined || fapiAlgorithms.some((allowed) => allowed === alg)
  return keys.some(({ alg }) => isAllowed(alg))
    ? []
    : [`fapi needs a key in jwks whose alg is one of ${fapiAlgorithms.join(', ')} (section 5.4.1)`]
}

function lifetimeProblems({ lifetimes = {} }: OidcClient): string[] {
  const { refreshTokenIdle: idle, refreshTokenAbsolute: absolute } = lifetimes
  return idle !== undefined && absolute !== undefined && idle > absolute
    ? [`lifetimes.refreshTokenIdle (${idle} s) exceeds lifetimes.refreshTokenAbsolute (${absolute} s)`]
    : []
}
