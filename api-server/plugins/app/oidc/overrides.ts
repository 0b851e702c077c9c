import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import type { FastifyInstance } from 'fastify'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { newRefreshToken } from '../sessions/refresh-token.ts'
import { roleOf } from '../users/user.ts'
import { customClaimsOfIdToken } from './account.ts'
import { activeGrant } from './active-grant.ts'
import { browserLoginOf, endBrowserLogin, isLive } from './browser-login.ts'
import { storedUntil } from './client-assertions.ts'
import type { ClientRegistry } from './client-registry.ts'
import { overrideDeviceCodes } from './device-codes.ts'
import type { RequestState } from './request-state.ts'
import { type OidcStates, useOnce } from './state-adapter.ts'

/** What the overrides need. */
export interface OverrideOptions {
  clients: ClientRegistry
  states: OidcStates
  requestState: () => RequestState | undefined
}

/**
 * The methods of the library that this server replaces, each a seam that a test asserts (decision 70). They belong to
 * classes of one Provider, so each new one needs them.
 */
export function overrideModels(
  app: FastifyInstance,
  provider: Provider,
  { clients, states, requestState }: OverrideOptions,
): void {
  const { AccessToken, ClientCredentials, IdToken, RefreshToken, ReplayDetection, Session, Client } = provider

  // Access tokens: this server has one issuer of them.
  Reflect.set(AccessToken.prototype, 'getValueAndPayload', async function (this: IssuableToken) {
    const grantId = this.grantId ?? ''
    // After the code or refresh token was used: a revocation since the login is either seen here, or ends this token.
    const grant = await activeGrant(app, grantId, requestState()?.refreshed?.session)
    if (grant === undefined) throw new errors.InvalidGrant('the session has ended')
    const { session, user } = grant
    const scope = this.scope ?? ''
    const client = clients.find(session.oauth.clientId)
    const lifetimeSeconds = client?.lifetimes?.accessToken ?? app.config.accessTokenLifetimeSeconds
    const claimNames = claimsInAccessToken(app, client, this.aud)
    const issued = await app.tokens.issueAccessToken({
      userId: session.userId.toString(),
      role: roleOf(user),
      session,
      custom: await app.userClaims.select(session.userId, claimNames),
      client: {
        id: session.oauth.clientId,
        scope,
        lifetimeSeconds,
        ...(this.aud !== undefined && { audience: this.aud }),
        ...(this.jkt !== undefined && { jkt: this.jkt }),
      },
    })
    app.metrics.tokensIssued.inc({ kind: 'access' })
    // `expires_in` of the response.
    this.expiresIn = issued.expiresInSeconds
    return { value: issued.token }
  })

  Reflect.set(ClientCredentials.prototype, 'getValueAndPayload', function (this: IssuableToken) {
    const { clientId = '', aud: audience, resourceServer, jkt } = this
    // This server accepts no such token, so each is for an API.
    if (audience === undefined) throw new errors.InvalidTarget('name a resource of the client')
    const scope = this.scope ?? resourceServer?.scope ?? ''
    const client = clients.find(clientId)
    const lifetimeSeconds = Math.min(
      client?.lifetimes?.accessToken ?? Number.POSITIVE_INFINITY,
      app.config.accessTokenLifetimeSeconds,
    )
    const issued = app.tokens.issueClientToken({
      clientId,
      audience,
      scope,
      lifetimeSeconds,
      custom: client?.claims ?? {},
      ...(jkt !== undefined && { jkt }),
    })
    app.metrics.tokensIssued.inc({ kind: 'access' })
    // `scope` and `expires_in` of the response.
    this.scope = scope
    this.expiresIn = issued.expiresInSeconds
    return { value: issued.token }
  })

  // ID tokens: the library knows only claims that are the same for all clients. First, so that none replaces another claim.
  const payload: () => Promise<object> = Reflect.get(IdToken.prototype, 'payload')
  Reflect.set(IdToken.prototype, 'payload', async function (this: { available: object }) {
    return { ...Reflect.get(this.available, customClaimsOfIdToken), ...(await payload.call(this)) }
  })

  // Refresh tokens: the session that they begin with finds them.
  Reflect.set(RefreshToken.prototype, 'generateTokenId', function (this: { grantId?: string }) {
    return requestState()?.refreshed?.refreshToken ?? newRefreshToken(this.grantId ?? '')
  })

  // The library reads and then writes, so that two servers would accept one assertion.
  Reflect.set(ReplayDetection, 'unique', (issuer: string, jti: string, exp: number) =>
    useOnce(states, 'ReplayDetection', JSON.stringify([issuer, jti]), storedUntil(exp, new Date())),
  )

  // A login in a browser ends with its session, its user, and the user's watermark.
  const payloadNames: readonly string[] = Reflect.get(Session, 'IN_PAYLOAD')
  Object.defineProperty(Session, 'IN_PAYLOAD', { get: () => [...payloadNames, 'loginSid'] })
  for (const name of ['find', 'findByUid'] as const) {
    const find: (id: string) => Promise<unknown> = Reflect.get(Session, name)
    Reflect.set(Session, name, async function (this: unknown, ...args: [string]) {
      const found = browserLoginOf(await find.apply(this, args))
      return found !== undefined && (await isLive(app, found)) ? found : undefined
    })
  }
  const destroy: () => Promise<void> = Reflect.get(Session.prototype, 'destroy')
  Reflect.set(Session.prototype, 'destroy', async function (this: object) {
    const login = browserLoginOf(this)
    if (login !== undefined) await endBrowserLogin(app, login)
    await destroy.call(this)
  })

  // The library would add `sid` to ID tokens only if it sent the logout tokens itself. Decision 77.
  Reflect.set(Client.prototype, 'includeSid', function (this: { clientId: string }) {
    return clients.find(this.clientId)?.backchannelLogoutUri !== undefined
  })

  overrideDeviceCodes(provider, states, requestState)

  // The library fails for a form of the device pages from a browser without a cookie, of which there is nothing to keep.
  const persist: () => Promise<unknown> = Reflect.get(Session.prototype, 'persist')
  Reflect.set(Session.prototype, 'persist', async function (this: { exp?: number }) {
    if (this.exp !== undefined) await persist.call(this)
  })

  // Secrets are known by their hashes. A client with a ServiceAccount has none, and no secret from outside is accepted.
  Reflect.set(Client.prototype, 'compareClientSecret', function (this: { clientId: string }, secret: string) {
    if (clients.find(this.clientId)?.authentication.method !== 'serviceAccount') {
      return clients.hasSecret(this.clientId, secret)
    }
    const { oneTimeSecret } = requestState() ?? {}
    return oneTimeSecret !== undefined && secret === oneTimeSecret
  })
}

/** Claims of users in an access token of a client. @param audience of an API; undefined: this one */
function claimsInAccessToken(
  { config }: FastifyInstance,
  client: OidcClient | undefined,
  audience: string | undefined,
): readonly string[] {
  if (audience === undefined) return config.accessTokenClaims
  return client?.resources?.find(({ uri }) => uri === audience)?.userClaims ?? []
}

/** The part of an access token of the library that this server reads and writes. */
interface IssuableToken {
  clientId?: string
  grantId?: string
  /** The API that it is for; undefined: this one. */
  aud?: string
  resourceServer?: { scope: string }
  /** Thumbprint of the key of a DPoP proof. */
  jkt?: string
  scope?: string
  expiresIn?: number
}
