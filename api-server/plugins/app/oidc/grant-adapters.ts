import type { FastifyInstance } from 'fastify'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { sessionIdOf } from '../sessions/refresh-token.ts'
import type { RevocationReason } from '../sessions/session.ts'
import { activeGrant } from './active-grant.ts'
import { type RequestState, useLimits } from './request-state.ts'

/** Ends the session of a client. */
export async function endGrant(app: FastifyInstance, grantId: string, reason: RevocationReason): Promise<void> {
  await app.revocation.revokeSession(grantId, reason)
  app.securityEvents.record(reason === 'reuse' ? 'authn_token_reuse' : 'authn_token_revoked', { sessionId: grantId })
}

/** Begins the session of a code that is used for the first time. @throws InvalidGrant if it has ended */
export async function redeemGrant(app: FastifyInstance, grantId: string): Promise<void> {
  const session = await app.sessions.redeem(grantId, new Date())
  if (session === null) throw new errors.InvalidGrant('the session has ended')
  const { userId, address, oauth } = session
  app.revocation.endExcessSessions(userId)
  const about = { userId: userId.toString(), sessionId: grantId, ...(address !== undefined && { address }) }
  app.securityEvents.record('session_created', { ...about, reason: `client ${oauth?.clientId}` })
}

const seconds = (time: Date) => Math.floor(time.getTime() / 1000)

/**
 * A grant is a session: what ends a session ends the grant and its tokens. `policy.ts` creates it, because that needs more
 * than the library hands over here. Decision 69.
 */
export class GrantAdapter implements Adapter {
  readonly #app: FastifyInstance
  readonly #requestState: () => RequestState | undefined

  constructor(app: FastifyInstance, requestState: () => RequestState | undefined) {
    this.#app = app
    this.#requestState = requestState
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const state = this.#requestState()
    const grant = await activeGrant(this.#app, id, state?.presented?.session)
    if (grant === undefined) return undefined
    if (state !== undefined) state.grant = grant
    const { oauth, expiresAt } = grant.session
    return { ...JSON.parse(oauth.grant), jti: id, exp: seconds(expiresAt) }
  }

  /** Called for a code or a refresh token that was used before. */
  async destroy(id: string): Promise<void> {
    await endGrant(this.#app, id, 'reuse')
  }

  async upsert(): Promise<void> {
    throw new Error('a grant is created as a session')
  }

  async revokeByGrantId(): Promise<void> {}
  async consume(): Promise<void> {}
  async findByUid(): Promise<undefined> {
    return undefined
  }
  async findByUserCode(): Promise<undefined> {
    return undefined
  }
}

/** Refresh tokens are those of sessions: `SessionStore` rotates them, and detects that one was stolen. */
export class RefreshTokenAdapter implements Adapter {
  readonly #app: FastifyInstance
  readonly #requestState: () => RequestState | undefined
  readonly #rotates: (clientId: string) => boolean

  /** @param rotates whether each use of a refresh token of the client replaces it */
  constructor(
    app: FastifyInstance,
    requestState: () => RequestState | undefined,
    rotates: (clientId: string) => boolean,
  ) {
    this.#app = app
    this.#requestState = requestState
    this.#rotates = rotates
  }

  /** Only the first token of a session: a rotation has written each later one. */
  async upsert(id: string, { jti, ...payload }: AdapterPayload): Promise<void> {
    if (this.#requestState()?.refreshed !== undefined) return
    const { grantId, clientId } = payload
    if (grantId === undefined || clientId === undefined) throw new Error('a refresh token belongs to a grant')
    const isGiven = await this.#app.sessions.giveFirstToken(grantId, clientId, id, JSON.stringify(payload), new Date())
    if (!isGiven) throw new errors.InvalidGrant('the session has ended')
    this.#app.metrics.tokensIssued.inc({ kind: 'refresh' })
  }

  /** Counts for `RATE_LIMIT_REFRESH`, as `/v1/auth/refresh` does. @throws OIDCProviderError with the status 429 */
  async find(id: string): Promise<AdapterPayload | undefined> {
    const state = this.#requestState()
    if (state !== undefined) {
      const subject = `${sessionIdOf(id) ?? 'unknown'}:${state.address}`
      await useLimits(state, [{ name: 'refresh', subject, rate: this.#app.config.limits.refresh }])
    }
    const found = await this.#app.sessions.inspect(id)
    if (found?.session.oauth?.refresh === undefined) return undefined
    const { session, outcome } = found
    if (outcome === 'reused') await endGrant(this.#app, session._id, 'reuse')
    if (outcome !== 'rotate' && outcome !== 'repeat') return undefined
    if (state !== undefined) state.presented = found
    const end = Math.min(session.idleExpiresAt.getTime(), session.expiresAt.getTime())
    return { ...JSON.parse(found.session.oauth.refresh), jti: id, exp: Math.floor(end / 1000) }
  }

  /** @throws InvalidGrant when the token has ended since `find` */
  async consume(id: string): Promise<void> {
    const state = this.#requestState()
    const inspected = state?.presented
    const clientId = inspected?.session.oauth?.clientId
    if (state === undefined || inspected === undefined || clientId === undefined) {
      throw new errors.InvalidGrant('refresh token not found')
    }
    const result = await this.#app.sessions.refresh(id, { clientId, rotates: this.#rotates(clientId), inspected })
    if (result.outcome === 'reused') await endGrant(this.#app, result.session._id, 'reuse')
    if (result.outcome !== 'refreshed') throw new errors.InvalidGrant('the refresh token is no longer valid')
    state.refreshed = result
    const { _id: sessionId, userId } = result.session
    this.#app.metrics.tokensIssued.inc({ kind: 'refresh' })
    this.#app.securityEvents.record('session_renewed', {
      userId: userId.toString(),
      sessionId,
      address: state.address,
    })
  }

  async destroy(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
  async findByUid(): Promise<undefined> {
    return undefined
  }
  async findByUserCode(): Promise<undefined> {
    return undefined
  }
}

/** Access tokens are not stored. Clients are in their file. */
export class UnstoredAdapter implements Adapter {
  readonly #find: (id: string) => AdapterPayload | undefined

  constructor(find: (id: string) => AdapterPayload | undefined = () => undefined) {
    this.#find = find
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#find(id)
  }
  async upsert(): Promise<void> {
    throw new Error('this kind is not stored')
  }
  async destroy(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
  async consume(): Promise<void> {}
  async findByUid(): Promise<undefined> {
    return undefined
  }
  async findByUserCode(): Promise<undefined> {
    return undefined
  }
}
