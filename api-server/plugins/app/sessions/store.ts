import { randomUUID } from 'node:crypto'
import type { Collection, ObjectId } from 'mongodb'
import { hashOf, newRefreshToken, seal, sessionIdOf, unseal } from './refresh-token.ts'
import { decideRefresh, ends, type RefreshDecision, rotation, type Session, type SessionLifetimes } from './session.ts'

export type RefreshResult =
  | { outcome: 'refreshed'; session: Session; refreshToken: string }
  | { outcome: 'unknown' }
  | { outcome: Exclude<RefreshDecision, 'rotate' | 'repeat' | 'unknown'>; session: Session }

/** A rotation that arrives at the database later than that is none: see `#rotate`. */
const mostDelayMilliseconds = 5_000

/**
 * Sessions in MongoDB. A rotation is one conditional write: of any number of requests at a time one wins, and all get
 * the same token. The time is the database's, the same for every server.
 */
export class SessionStore {
  readonly #sessions: Collection<Session>
  readonly #lifetimes: SessionLifetimes
  readonly #clock: () => Date | '$$NOW'

  /** @param clock what stands in for the database's clock, in tests about time */
  constructor(sessions: Collection<Session>, lifetimes: SessionLifetimes, clock: () => Date | '$$NOW' = () => '$$NOW') {
    this.#sessions = sessions
    this.#lifetimes = lifetimes
    this.#clock = clock
  }

  /** @param version the user's watermark, read before whatever lets the user in was checked for the last time */
  async create(
    { userId, version, ...from }: { userId: ObjectId; version: number; device?: string; address?: string },
    now: Date,
  ): Promise<{ session: Session; refreshToken: string }> {
    const _id = randomUUID()
    const refreshToken = newRefreshToken(_id)
    const session: Session = {
      _id,
      userId,
      version,
      createdAt: now,
      lastUsedAt: now,
      ...ends(now, this.#lifetimes),
      expiresAt: new Date(now.getTime() + this.#lifetimes.absoluteSeconds * 1000),
      current: { hash: hashOf(refreshToken), issuedAt: now },
      recent: [],
      spent: [],
      ...from,
    }
    await this.#sessions.insertOne(session)
    return { session, refreshToken }
  }

  async refresh(presented: string): Promise<RefreshResult> {
    const sessionId = sessionIdOf(presented)
    if (sessionId === undefined) return { outcome: 'unknown' }
    const hash = hashOf(presented)
    // The second look comes after a rotation by another request: then the token is a recent one.
    for (let look = 0; look < 3; look++) {
      const found = await this.#find(sessionId)
      if (found === undefined) return { outcome: 'unknown' }
      const { session, now } = found
      const outcome = decideRefresh(session, hash, now)
      switch (outcome) {
        case 'unknown':
          return { outcome }
        case 'repeat':
          return { outcome: 'refreshed', session, refreshToken: currentTokenOf(session, presented, hash) }
        case 'rotate': {
          const refreshToken = await this.#rotate(session, presented, now)
          if (refreshToken !== undefined) return { outcome: 'refreshed', session, refreshToken }
          break
        }
        default:
          return { outcome, session }
      }
    }
    throw new Error('the session changed under every look at it')
  }

  /** What a refresh with the token would lead to now, without one. @returns undefined when no session is meant by it */
  async inspect(presented: string): Promise<{ session: Session; outcome: RefreshDecision } | undefined> {
    const sessionId = sessionIdOf(presented)
    const found = sessionId === undefined ? undefined : await this.#find(sessionId)
    if (found === undefined) return undefined
    return { session: found.session, outcome: decideRefresh(found.session, hashOf(presented), found.now) }
  }

  async #find(_id: string): Promise<{ session: Session; now: Date } | undefined> {
    const found = this.#sessions.aggregate<{ session: Session; now: Date }>([
      { $match: { _id } },
      { $project: { _id: 0, session: '$$ROOT', now: this.#clock() } },
    ])
    return (await found.toArray())[0]
  }

  /**
   * The write is bound to its time: a database that hung and goes on carries out what it was sent long ago, and its
   * client, who got no answer, would come with the spent token after the grace, like a thief.
   *
   * @returns undefined when another request was faster
   */
  async #rotate(session: Session, presented: string, now: Date): Promise<string | undefined> {
    const successor = newRefreshToken(session._id)
    const { matchedCount } = await this.#sessions.updateOne(
      {
        _id: session._id,
        'current.hash': session.current.hash,
        revokedAt: { $exists: false },
        $expr: { $lt: [{ $subtract: [this.#clock(), now] }, mostDelayMilliseconds] },
      },
      {
        $set: rotation(session, { hash: hashOf(successor), sealed: seal(successor, presented) }, this.#lifetimes, now),
      },
    )
    return matchedCount === 1 ? successor : undefined
  }
}

/** From a spent token to the current one, each sealed with the one before it. */
function currentTokenOf({ recent }: Session, presented: string, hash: string): string {
  const after = recent.slice(recent.findIndex((token) => token.hash === hash))
  return after.reduce((token, { sealedSuccessor }) => unseal(sealedSuccessor, token), presented)
}
