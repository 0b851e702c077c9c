import { randomUUID } from 'node:crypto'
import type { Collection } from 'mongodb'
import { hashOf } from '../opaque-token.ts'
import type { UserKey } from '../users/user-key.ts'
import type { Authentication } from './authentication.ts'
import { newRefreshToken, seal, sessionIdOf, unseal } from './refresh-token.ts'
import {
  type ActiveSession,
  decideRefresh,
  ends,
  type RefreshDecision,
  rotation,
  type Session,
  type SessionLifetimes,
  untilRedeemed,
} from './session.ts'
import { removeSurplusUnredeemed, runningSessions } from './session-list.ts'

/** A session that goes on, with the refresh token that its client gets. */
export interface RefreshedSession {
  outcome: 'refreshed'
  session: Session
  refreshToken: string
}

export type RefreshResult =
  | RefreshedSession
  | { outcome: 'unknown' }
  | { outcome: Exclude<RefreshDecision, 'rotate' | 'repeat' | 'unknown'>; session: Session }

/** The session of a refresh token, and what the token would lead to. */
export interface Inspection {
  session: Session
  outcome: RefreshDecision
  /** The time of the database when it was read. */
  now: Date
}

interface RefreshOptions {
  /** The client of the OpenID provider that presents the token; undefined: a client of the API. */
  clientId?: string
  /** Whether another token replaces it; true by default. */
  rotates?: boolean
  /** What `inspect` has just returned for the token. Not trusted: the write fails if the session changed since then. */
  inspected?: Inspection
}

/**
 * A rotation that reaches the database later than this, or than half of the grace period, has no effect: see `#rotate`.
 */
const maxDelayMilliseconds = 5_000

/**
 * Sessions in MongoDB. A rotation is one conditional write: of concurrent requests one wins, and all get the same
 * token. The time is that of the database, the same for every server.
 */
export class SessionStore {
  readonly #sessions: Collection<Session>
  readonly #lifetimes: SessionLifetimes
  readonly #clock: () => Date | '$$NOW'

  /** @param clock replaces the database clock in tests */
  constructor(sessions: Collection<Session>, lifetimes: SessionLifetimes, clock: () => Date | '$$NOW' = () => '$$NOW') {
    this.#sessions = sessions
    this.#lifetimes = lifetimes
    this.#clock = clock
  }

  /**
   * @param version the user's watermark, read before the last check of the login
   */
  async create(
    { userId, version, ...from }: NewSessionRecord,
    now: Date,
    { _id = randomUUID(), absoluteSeconds = this.#lifetimes.absoluteSeconds, redeemSeconds }: CreateOptions = {},
  ): Promise<{ session: Session; refreshToken: string }> {
    const refreshToken = newRefreshToken(_id)
    const expiresAt = new Date(now.getTime() + Math.min(absoluteSeconds, this.#lifetimes.absoluteSeconds) * 1000)
    const session: Session = {
      _id,
      userId,
      version,
      createdAt: now,
      lastUsedAt: now,
      ...ends(now, lifetimesOf(from, this.#lifetimes)),
      expiresAt,
      ...(redeemSeconds !== undefined && untilRedeemed(expiresAt, redeemSeconds, now)),
      current: { hash: hashIn(from, refreshToken), issuedAt: now },
      recent: [],
      spent: [],
      ...from,
    }
    if (session.unredeemed !== undefined) await removeSurplusUnredeemed(this.#sessions, userId)
    await this.#sessions.insertOne(session)
    return { session, refreshToken }
  }

  async refresh(
    presented: string,
    { clientId, rotates = true, inspected }: RefreshOptions = {},
  ): Promise<RefreshResult> {
    const sessionId = sessionIdOf(presented)
    if (sessionId === undefined) return { outcome: 'unknown' }
    // The second read follows a rotation by another request: then the token is a recent one.
    for (let look = 0; look < 3; look++) {
      const found = look === 0 && inspected !== undefined ? inspected : await this.#find(sessionId)
      // The token of another client: that of an application must not give the rights of a login at the API.
      if (found === undefined || found.session.oauth?.clientId !== clientId) return { outcome: 'unknown' }
      const { session, now } = found
      const hash = hashIn(session, presented)
      const outcome = decideRefresh(session, hash, this.#lifetimes, now)
      switch (outcome) {
        case 'unknown':
          return { outcome }
        case 'repeat':
          return { outcome: 'refreshed', session, refreshToken: currentTokenOf(session, presented, hash) }
        case 'rotate': {
          const refreshToken = await (rotates
            ? this.#rotate(session, presented, now)
            : this.#renew(session, presented, now))
          if (refreshToken !== undefined) return { outcome: 'refreshed', session, refreshToken }
          break
        }
        default:
          return { outcome, session }
      }
    }
    throw new Error('the session changed during every attempt')
  }

  /** The result that a refresh with the token would have now. @returns undefined when it identifies no session */
  async inspect(presented: string): Promise<Inspection | undefined> {
    const sessionId = sessionIdOf(presented)
    const found = sessionId === undefined ? undefined : await this.#find(sessionId)
    if (found === undefined) return undefined
    const { session, now } = found
    return { session, now, outcome: decideRefresh(session, hashIn(session, presented), this.#lifetimes, now) }
  }

  /** The active sessions of a user. @param version the user's watermark */
  list(userId: UserKey, version: number, now: Date): Promise<Session[]> {
    return runningSessions(this.#sessions, userId, version, now)
  }

  /** Records another authentication in an active session. @returns the session, unless it has ended */
  authenticate(_id: string, authentication: Authentication): Promise<Session | null> {
    return this.#sessions.findOneAndUpdate(
      { _id, revokedAt: { $exists: false } },
      { $set: { authentication } },
      { returnDocument: 'after' },
    )
  }

  /** A session that is neither revoked nor expired. Does not check the user's watermark. */
  findUnended(_id: string, now: Date): Promise<ActiveSession | null> {
    return this.#sessions.findOne<ActiveSession>(
      { _id, revokedAt: { $exists: false }, idleExpiresAt: { $gt: now }, expiresAt: { $gt: now } },
      // Most of a session that was refreshed often.
      { projection: { recent: 0, spent: 0 } },
    )
  }

  /** The code of a session was redeemed: from now on it is like any other one. @returns null: it has ended */
  async redeem(_id: string, now: Date): Promise<ActiveSession | null> {
    const found = await this.findUnended(_id, now)
    // An earlier version gave the session its lifetime at once.
    if (found?.unredeemed === undefined) return found
    const { expiresAt } = found.unredeemed
    return this.#sessions.findOneAndUpdate(
      { _id, revokedAt: { $exists: false } },
      {
        $set: { lastUsedAt: now, ...ends(now, lifetimesOf(found, this.#lifetimes)), expiresAt },
        $unset: { unredeemed: '' },
      },
      { returnDocument: 'after' },
    )
  }

  /** Makes `refreshToken` the first token that a client gets in this session. @returns whether the session is active */
  async giveFirstToken(
    _id: string,
    clientId: string,
    refreshToken: string,
    refresh: string,
    now: Date,
  ): Promise<boolean> {
    const hash = hashIn({ oauth: { clientId } }, refreshToken)
    const { matchedCount } = await this.#sessions.updateOne(
      { _id, revokedAt: { $exists: false }, 'oauth.clientId': clientId, 'oauth.refresh': { $exists: false } },
      { $set: { current: { hash, issuedAt: now }, 'oauth.refresh': refresh } },
    )
    return matchedCount === 1
  }

  /** The sessions of clients that a login in a browser led to, and that end with it. */
  ofBrowserLogin(userId: UserKey, loginUid: string): Promise<Session[]> {
    return this.#sessions
      .find({
        userId,
        revokedAt: { $exists: false },
        'oauth.loginUid': loginUid,
        'oauth.scope': { $not: /(^| )offline_access( |$)/ },
      })
      .toArray()
  }

  /** The IDs of all sessions of a user that are neither revoked nor expired, except one. */
  async idsOfOthers(userId: UserKey, _id: string, now: Date): Promise<string[]> {
    const others = { userId, _id: { $ne: _id }, revokedAt: { $exists: false }, expiresAt: { $gt: now } }
    const found = await this.#sessions.find(others, { projection: { _id: 1 } }).toArray()
    return found.map((session) => session._id)
  }

  async isOf(_id: string, userId: UserKey): Promise<boolean> {
    return (await this.#sessions.findOne({ _id, userId }, { projection: { _id: 1 } })) !== null
  }

  async #find(_id: string): Promise<{ session: Session; now: Date } | undefined> {
    const found = this.#sessions.aggregate<{ session: Session; now: Date }>([
      { $match: { _id } },
      { $project: { _id: 0, session: '$$ROOT', now: this.#clock() } },
    ])
    return (await found.toArray())[0]
  }

  /**
   * The write has a deadline: a database that hung and recovers executes old writes, and a client that got no response
   * would present the used token after the grace period, like a thief.
   *
   * @returns undefined when another request was faster
   */
  async #rotate(session: Session, presented: string, now: Date): Promise<string | undefined> {
    const successor = newRefreshToken(session._id)
    const next = { hash: hashIn(session, successor), sealed: seal(successor, presented) }
    const isDone = await this.#update(session, rotation(session, next, lifetimesOf(session, this.#lifetimes), now), now)
    return isDone ? successor : undefined
  }

  /** The session goes on with the same token. @returns undefined when the session changed meanwhile */
  async #renew(session: Session, presented: string, now: Date): Promise<string | undefined> {
    const times = { lastUsedAt: now, ...ends(now, lifetimesOf(session, this.#lifetimes)) }
    return (await this.#update(session, times, now)) ? presented : undefined
  }

  async #update(session: Session, change: Partial<Session>, now: Date): Promise<boolean> {
    const maxDelay = Math.min(maxDelayMilliseconds, this.#lifetimes.graceSeconds * 500)
    const { matchedCount } = await this.#sessions.updateOne(
      {
        _id: session._id,
        'current.hash': session.current.hash,
        revokedAt: { $exists: false },
        $expr: { $lt: [{ $subtract: [this.#clock(), now] }, maxDelay] },
      },
      { $set: change },
    )
    return matchedCount === 1
  }
}

interface CreateOptions {
  /** A new UUID. */
  _id?: string
  /** Maximum lifetime, if it is shorter than that of other sessions. */
  absoluteSeconds?: number | undefined
  /** Lifetime until `redeem` is called; undefined: the session goes on without it. */
  redeemSeconds?: number
}

type NewSessionRecord = Pick<Session, 'userId' | 'version' | 'device' | 'address' | 'authentication' | 'oauth'>

/**
 * The hash of a refresh token. That of a client has its ID in it, so that an earlier version of the server, which does not
 * know `oauth`, finds no token: it would give the rights of a login at the API.
 */
function hashIn({ oauth }: { oauth?: { clientId: string } }, refreshToken: string): string {
  return hashOf(oauth === undefined ? refreshToken : `${oauth.clientId} ${refreshToken}`)
}

function lifetimesOf({ oauth }: Pick<Session, 'oauth'>, lifetimes: SessionLifetimes): SessionLifetimes {
  return { ...lifetimes, idleSeconds: Math.min(lifetimes.idleSeconds, oauth?.idleSeconds ?? lifetimes.idleSeconds) }
}

/** From a used token to the current one, each encrypted with its predecessor. */
function currentTokenOf({ recent }: Session, presented: string, hash: string): string {
  const after = recent.slice(recent.findIndex((token) => token.hash === hash))
  return after.reduce((token, { sealedSuccessor }) => unseal(sealedSuccessor, token), presented)
}
