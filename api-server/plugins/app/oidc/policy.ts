import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type Provider from 'oidc-provider'
import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { parseUserKey } from '../users/user-key.ts'
import { activeGrant } from './active-grant.ts'
import { askedClaims, namedClaims, storedClaims } from './asked-claims.ts'
import { type BrowserLogin, browserLoginOf, isLive } from './browser-login.ts'
import type { ClientRegistry } from './client-registry.ts'
import { endGrant } from './grant-adapters.ts'
import type { RequestState } from './request-state.ts'
import { allScopesOf, commonScopes } from './resources.ts'
import { stepUpCheck } from './step-up.ts'

/** Lifetime of a code, in seconds. */
export const codeSeconds = 60
/** Time for which a device can wait for its user. RFC 8628 section 3.2. */
export const deviceCodeSeconds = 600
/** Added to it for the session that the code begins, because servers compare the times by their own clocks. */
const clockMarginSeconds = 30

type Grant = InstanceType<Provider['Grant']>

/** What a page leaves for the rest of an authorization. */
interface InteractionOutcome {
  login?: { sid?: string }
  consent?: { granted?: boolean }
}

/**
 * The grant of this authorization, not stored yet: everything that is asked for, if the client belongs to the owner of this
 * server, or if the user has agreed now or in a session that goes on. Without it, the library asks for consent.
 */
export async function loadGrant(
  app: FastifyInstance,
  clients: ClientRegistry,
  ctx: KoaContextWithOIDC,
): Promise<Grant | undefined> {
  const { client, account, params, provider } = ctx.oidc
  if (client === undefined || account === undefined) return undefined
  // The library has checked it when the login began, and the file of clients may have changed since then.
  const redirectUri = params?.['redirect_uri']
  if (typeof redirectUri === 'string' && !client.redirectUriAllowed(redirectUri)) throw new errors.InvalidRedirectUri()
  const outcome = outcomeOf(ctx)
  await adoptLogin(app, ctx, outcome)
  const scope = [...ctx.oidc.requestParamOIDCScopes].join(' ')
  const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId })
  grant.jti = randomUUID()
  grant.addOIDCScope(scope)
  const claims = askedClaims(clients.find(client.clientId), { scope, claims: params?.['claims'] })
  if (claims.length > 0) grant.addOIDCClaims(claims)
  // Those that the client may not ask for: it does not get them, and the user is not asked.
  const refused = [...ctx.oidc.requestParamClaims].filter((name) => !claims.includes(name))
  if (refused.length > 0) grant.rejectOIDCClaims(refused)
  for (const [uri, { scopes }] of Object.entries(ctx.oidc.resourceServers ?? {})) {
    grant.addResourceScope(uri, commonScopes(scopes, ctx.oidc.requestParamScopes))
  }
  const isAllowed =
    clients.find(client.clientId)?.firstParty === true ||
    outcome.consent?.granted === true ||
    (params?.['prompt'] !== 'consent' && (await hasAgreed(app, clients, account.accountId, grant)))
  return isAllowed ? grant : undefined
}

/** The session that a login on our page began becomes that of the browser. It replaces an earlier one. */
async function adoptLogin(app: FastifyInstance, ctx: KoaContextWithOIDC, { login }: InteractionOutcome): Promise<void> {
  const session = sessionOf(ctx)
  if (login?.sid === undefined || session.loginSid === login.sid) return
  const { loginSid: previous } = session
  session.loginSid = login.sid
  if (previous !== undefined) await endGrant(app, previous, 'logout')
}

/** Whether a session of the client has these scopes. */
async function hasAgreed(
  app: FastifyInstance,
  clients: ClientRegistry,
  userId: string,
  asked: Grant,
): Promise<boolean> {
  const version = await app.revocation.versionOf(userId)
  const sessions = await app.sessions.list(parseUserKey(userId), version, new Date())
  return sessions.some((session) => {
    const { oauth } = session
    if (oauth === undefined || oauth.clientId !== asked.clientId || !clients.hasSession(session)) return false
    const agreed = allScopesOf(JSON.parse(oauth.grant))
    return [...allScopesOf(asked)].every((each) => agreed.has(each))
  })
}

/** The prompts of the library, and a last one that asks nothing: when it is reached, the grant is stored as a session. */
export function promptsOf(
  app: FastifyInstance,
  clients: ClientRegistry,
  requestState: () => RequestState | undefined,
): interactionPolicy.DefaultPolicy {
  const { base, Check, Prompt } = interactionPolicy
  const policy = base()
  // The library would say so only after the login, and not which error it is.
  const nothing = new Check('no_scope', 'no scope is left', (ctx) => {
    if (asksForSomething(ctx)) return Check.NO_NEED_TO_PROMPT
    const asked = ctx.oidc.params?.['scope']
    throw new errors.InvalidScope(noScope, typeof asked === 'string' ? asked : '')
  })
  policy.get('login')?.checks.add(nothing)
  // Between the page and this request, the user may have been disabled, or the session ended.
  const ended = new Check('login_ended', 'the login has ended', async (ctx) => {
    if (outcomeOf(ctx).login === undefined || (await isLive(app, sessionOf(ctx)))) return Check.NO_NEED_TO_PROMPT
    throw new errors.AccessDenied('the login has ended')
  })
  policy.get('login')?.checks.add(ended)
  // They would ask for the password again. `stepUpCheck` asks for what is missing.
  for (const reason of ['essential_acr', 'essential_acrs']) policy.get('login')?.checks.remove(reason)
  policy.get('login')?.checks.add(stepUpCheck(app))
  const store = new Check('session', 'the session cannot be created', async (ctx) => {
    await storeGrant(app, clients, ctx, requestState())
    return Check.NO_NEED_TO_PROMPT
  })
  policy.add(new Prompt({ name: 'session', requestable: false }, store))
  return policy
}

const noScope = 'ask for openid, or for a scope of the resource that the request names'

/** Whether the user can be asked for a scope of the request. Unknown ones are ignored. OpenID Connect Core section 3.1.2.1. */
function asksForSomething({ oidc }: KoaContextWithOIDC): boolean {
  const ofApis = Object.values(oidc.resourceServers ?? {})
  return (
    oidc.requestParamOIDCScopes.size > 0 ||
    ofApis.some(({ scopes }) => commonScopes(scopes, oidc.requestParamScopes).length > 0)
  )
}

async function storeGrant(
  app: FastifyInstance,
  clients: ClientRegistry,
  ctx: KoaContextWithOIDC,
  state: RequestState | undefined,
): Promise<void> {
  const grant = ctx.oidc.entities.Grant
  const browser = sessionOf(ctx)
  const login = browser.loginSid === undefined ? null : await app.sessions.findUnended(browser.loginSid, new Date())
  if (grant?.jti === undefined || login === null || state === undefined) throw new Error('nobody has logged in')
  const { clientId = '', accountId, resources } = grant
  const client = clients.find(clientId)
  const scope = grant.getOIDCScope()
  const idle = idleSecondsOf(app, client)
  const isOfDevice = ctx.oidc.entities.DeviceCode !== undefined
  const { session } = await app.sessions.create(
    {
      userId: login.userId,
      // What has ended the login since then ends this session, too.
      version: login.version,
      address: state.address,
      ...(state.userAgent !== undefined && { device: state.userAgent }),
      ...(login.authentication !== undefined && { authentication: login.authentication }),
      oauth: {
        clientId,
        scope,
        // A logout of the browser in which a user has connected a device does not end its session.
        loginUid: isOfDevice ? '' : browser.uid,
        grant: JSON.stringify({
          kind: 'Grant',
          accountId,
          clientId,
          ...storedClaims(scope, grant.getOIDCClaims(), namedClaims(ctx.oidc.params?.['claims'], 'userinfo')),
          resources,
          iat: now(),
        }),
        ...(idle !== undefined && { idleSeconds: idle }),
        ...(client?.backchannelLogoutUri !== undefined && { logoutNotice: { attempts: 0, dueAt: new Date() } }),
      },
    },
    new Date(),
    {
      _id: grant.jti,
      absoluteSeconds: hasRefreshTokens(client) ? client?.lifetimes?.refreshTokenAbsolute : idle,
      redeemSeconds: (isOfDevice ? deviceCodeSeconds : codeSeconds) + clockMarginSeconds,
    },
  )
  // `sid` of the ID token is that of the access token.
  ctx.oidc.session?.sidFor(clientId, grant.jti)
  // A logout between the read of the login and the write of this session.
  if ((await activeGrant(app, session._id)) === undefined || !(await isStillLoggedIn(app, login._id))) {
    await endGrant(app, session._id, 'logout')
  }
}

async function isStillLoggedIn(app: FastifyInstance, sid: string): Promise<boolean> {
  return (await app.sessions.findUnended(sid, new Date())) !== null
}

/** Without refresh tokens, the session lasts as long as its access token. */
function idleSecondsOf(app: FastifyInstance, client: ReturnType<ClientRegistry['find']>): number | undefined {
  if (hasRefreshTokens(client)) return client?.lifetimes?.refreshTokenIdle
  return client?.lifetimes?.accessToken ?? app.config.accessTokenLifetimeSeconds
}

function hasRefreshTokens(client: ReturnType<ClientRegistry['find']>): boolean {
  return client === undefined || client.grants.includes('refresh_token')
}

function sessionOf(ctx: KoaContextWithOIDC): BrowserLogin {
  const session = browserLoginOf(ctx.oidc.session)
  if (session === undefined) throw new Error('the library has no session')
  return session
}

function outcomeOf(ctx: KoaContextWithOIDC): InteractionOutcome {
  const result: unknown = ctx.oidc.result
  return typeof result === 'object' && result !== null ? (result as InteractionOutcome) : {}
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
