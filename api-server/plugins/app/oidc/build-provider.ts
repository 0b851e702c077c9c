import type { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyInstance } from 'fastify'
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { errorPage } from '../../../pages/error.ts'
import { pageHeaders } from '../../../pages/layout.ts'
import { loggedOutPage, logoutPage } from '../../../pages/logout.ts'
import type { Pages } from '../../../pages/pages.ts'
import { oauthMessage } from '../../../pages/problem-message.ts'
import { usesByAddress } from '../limits/plugin.ts'
import { authenticationLevels } from '../sessions/authentication.ts'
import { proofAlgorithms } from '../tokens/possession.ts'
import { claimsOfScope, findAccount } from './account.ts'
import { checkClaimsParameter } from './asked-claims.ts'
import { assertionAlgorithms, requireFapi, requireNearExpiry } from './client-assertions.ts'
import { metadataOf } from './client-metadata.ts'
import type { ClientRegistry } from './client-registry.ts'
import { deviceFlowOf } from './device-flow.ts'
import { handleFailures } from './failures.ts'
import { endGrant, GrantAdapter, RefreshTokenAdapter, redeemGrant, UnstoredAdapter } from './grant-adapters.ts'
import type { IdTokenKeys } from './id-token-keys.ts'
import { overrideModels } from './overrides.ts'
import { codeSeconds, deviceCodeSeconds, loadGrant, promptsOf } from './policy.ts'
import { type RequestState, useLimits } from './request-state.ts'
import { onlyResourceOf, requireScopesOf, resourceServerOf } from './resources.ts'
import { type OidcStates, StateAdapter, type StateEvents } from './state-adapter.ts'

export interface ProviderParts {
  keys: ReturnType<IdTokenKeys['privateKeys']>
  clients: ClientRegistry
  pages: Pages
  requests: AsyncLocalStorage<RequestState>
  states: OidcStates
}

/** Paths below the issuer. Those of introspection, revocation and userinfo are routes of this server. */
export const paths = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  pushed_authorization_request: '/oauth/par',
  device_authorization: '/oauth/device_authorization',
  code_verification: '/oauth/device',
  end_session: '/oauth/logout',
  userinfo: '/oauth/userinfo',
  jwks: '/.well-known/jwks.json',
} as const

export const interactionPath = '/oauth/interaction'

/** The path of an issuer, without a slash at its end: paths of pages and cookies begin with it. */
export function basePathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}

/** How clients authenticate at introspection and revocation. RFC 8414 section 2. */
const methodsAtTokens = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** Lifetime of a login that is not finished, in seconds. */
export const interactionSeconds = 1_800
/** In seconds. */
const idTokenSeconds = 3_600

/** A Provider of the library for the current keys. Its state is in the database, so another one can replace it. */
export function buildProvider(app: FastifyInstance, parts: ProviderParts): Provider {
  const { clients, requests, states } = parts
  const requestState = () => requests.getStore()
  const provider = new Provider(app.config.issuer, configurationOf(app, parts))
  // Cookies are for TLS; `prepareRequest` says which scheme and address a request has.
  provider.proxy = true
  overrideModels(app, provider, { clients, states, requestState })
  handleFailures(app, provider, requestState)
  return provider
}

function configurationOf(
  app: FastifyInstance,
  { keys, clients, pages, requests, states }: ProviderParts,
): Configuration {
  const { config } = app
  const requestState = () => requests.getStore()
  const base = config.issuer
  const devicePath = `${basePathOf(base)}${paths.code_verification}`
  const events = stateEvents(app, requestState)
  const contextOf = (ctx: KoaContextWithOIDC) => {
    // Unknown to the library before it has read the request.
    const uiLocales: unknown = ctx.oidc?.params?.['ui_locales']
    return pages.contextOf(ctx.req, {
      uiLocales: typeof uiLocales === 'string' ? uiLocales : undefined,
      // A code is entered again.
      here: ctx.method === 'POST' && ctx.path.endsWith(paths.code_verification) ? devicePath : undefined,
    })
  }
  const lifetimeOf = (clientId: string | undefined) => clients.find(clientId ?? '')?.lifetimes
  return {
    adapter: (kind) => {
      switch (kind) {
        case 'Grant':
          return new GrantAdapter(app, requestState)
        case 'RefreshToken':
          // Its clients have a key, without which a refresh token is of no use. FAPI 2.0 Security Profile section 5.3.2.1.
          return new RefreshTokenAdapter(app, requestState, (id) => clients.find(id)?.fapi !== true)
        case 'Client':
          return new UnstoredAdapter((id) => {
            const client = clients.find(id)
            return client === undefined ? undefined : metadataOf(client)
          })
        case 'AccessToken':
        case 'ClientCredentials':
          return new UnstoredAdapter()
        default:
          return new StateAdapter(kind, states, events)
      }
    },
    jwks: { keys },
    findAccount: (ctx, id) => findAccount(app, { clients, grant: requestState()?.grant }, ctx, id),
    loadExistingGrant: (ctx) => loadGrant(app, clients, ctx),
    interactions: {
      policy: promptsOf(app, clients, requestState),
      url: (_ctx, interaction) => `${base}${interactionPath}/${interaction.uid}`,
    },
    claims: Object.fromEntries(Object.entries(claimsOfScope).map(([scope, names]) => [scope, [...names]])),
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    responseTypes: ['code'],
    subjectTypes: ['public'],
    acrValues: app.mfa.isOn ? authenticationLevels : [],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'PS256'],
      clientAuthSigningAlgValues: [...assertionAlgorithms],
      dPoPSigningAlgValues: [...proofAlgorithms],
    },
    assertJwtClientAuthClaimsAndHeader: (_ctx, claims, header, { clientId }) => {
      requireNearExpiry(claims, new Date())
      if (clients.find(clientId)?.fapi === true) requireFapi(claims, header, base)
    },
    pkce: { required: (_ctx, { clientId }) => clients.find(clientId)?.requirePkce !== false },
    allowOmittingSingleRegisteredRedirectUri: false,
    // A code outlives the login in its browser by a minute; its session does not.
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    revokeGrantPolicy: () => true,
    renderError: (ctx, out) => {
      const page = contextOf(ctx)
      const { error: code, error_description: details } = out
      ctx.set(pageHeaders(page))
      ctx.type = 'html'
      ctx.body = errorPage(page, { code, message: oauthMessage(page.t, code), details })
    },
    routes: paths,
    discovery: {
      introspection_endpoint: `${base}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: methodsAtTokens,
      introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
      revocation_endpoint: `${base}/oauth/revoke`,
      // This server sends the tokens, also for logouts that the library does not know of.
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      revocation_endpoint_auth_methods_supported: methodsAtTokens,
      revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    },
    cookies: cookiesOf(base),
    ttl: {
      AccessToken: (_ctx, _token, client) =>
        lifetimeOf(client.clientId)?.accessToken ?? config.accessTokenLifetimeSeconds,
      AuthorizationCode: codeSeconds,
      ClientCredentials: (_ctx, _token, client) =>
        lifetimeOf(client.clientId)?.accessToken ?? config.accessTokenLifetimeSeconds,
      DeviceCode: deviceCodeSeconds,
      Grant: config.refreshTokenAbsoluteLifetimeSeconds,
      IdToken: (_ctx, _token, client) => lifetimeOf(client.clientId)?.idToken ?? idTokenSeconds,
      Interaction: interactionSeconds,
      RefreshToken: config.refreshTokenAbsoluteLifetimeSeconds,
      // Anybody can begin one at the logout page, without a login.
      Session: (_ctx, { accountId }) =>
        accountId === undefined ? interactionSeconds : config.refreshTokenIdleLifetimeSeconds,
    },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true, assertClaimsParameter: (_ctx, claims) => checkClaimsParameter(claims) },
      // Without nonces. Decision 82.
      dPoP: { enabled: true },
      clientCredentials: { enabled: true },
      fapi: {
        enabled: true,
        profile: (_ctx, client) => (clients.find(client?.clientId ?? '')?.fapi === true ? '2.0' : undefined),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, { clientId }, oneOf) =>
          ctx.oidc.params?.['grant_type'] === 'client_credentials' ? onlyResourceOf(clients.find(clientId)) : oneOf,
        getResourceServerInfo(ctx, resource, { clientId }) {
          const info = resourceServerOf(clients.find(clientId), resource)
          const { grant_type: grant, scope } = ctx.oidc.params ?? {}
          if (grant === 'client_credentials') requireScopesOf(info, scope)
          return info
        },
        // A request with `openid` and no `resource` is for userinfo.
        useGrantedResource: () => false,
      },
      deviceFlow: deviceFlowOf(contextOf),
      pushedAuthorizationRequests: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          const page = contextOf(ctx)
          ctx.set(pageHeaders(page, ctx.oidc.params?.['post_logout_redirect_uri']))
          ctx.body = logoutPage(page, { form, clientName: ctx.oidc.client?.clientName })
        },
        postLogoutSuccessSource: (ctx) => {
          const page = contextOf(ctx)
          ctx.set(pageHeaders(page))
          ctx.body = loggedOutPage(page)
        },
      },
    },
  }
}

/** An address may begin this many times as many logins as it may finish. */
const begunLogins = 12

function stateEvents(app: FastifyInstance, requestState: () => RequestState | undefined): StateEvents {
  const { login } = app.config.limits
  const rate = { ...login, count: login.count * begunLogins }
  return {
    async beforeAnonymous() {
      const state = requestState()
      if (state !== undefined) await useLimits(state, usesByAddress('oauth-begun', state.address, rate))
    },
    onFirstUse: (grantId) => redeemGrant(app, grantId),
    onSecondUse: (grantId) => endGrant(app, grantId, 'reuse'),
  }
}

/** The cookie by which a browser is logged in. */
export function loginCookieOf(issuer: string): string {
  return issuer.startsWith('https:') ? '__Host-sso' : 'sso'
}

/**
 * No signatures: each value has 250 random bits, and the database knows its hash only. `__Host-` and `__Secure-` are set
 * only over TLS (RFC 6265bis section 4.1.3). An interaction has a path of its own, so that two tabs do not mix.
 */
function cookiesOf(issuer: string): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:')
  const attributes = { httpOnly: true, sameSite: 'lax', secure, signed: false } as const
  return {
    names: {
      session: loginCookieOf(issuer),
      interaction: secure ? '__Secure-interaction' : 'interaction',
      resume: secure ? '__Secure-resume' : 'resume',
    },
    long: { ...attributes, path: '/' },
    short: attributes,
  }
}
