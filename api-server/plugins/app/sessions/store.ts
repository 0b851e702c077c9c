import { randomUUID } from 'node:crypto'
import type { Collection, ObjectId } from 'mongodb'
import { hashOf, newRefreshToken, seal, unseal } from './refresh-token.ts'
import { decideRefresh, mostSpent, type RefreshDecision, type Session } from './session.ts'

export interface SessionLifetimes {
  idleSeconds: number
  absoluteSeconds: number
}

export type RefreshResult =
  | { outcome: 'refreshed'; session: Session; refreshToken: string }
  | { outcome: 'unknown' }
  | { outcome: Exclude<RefreshDecision['outcome'], 'rotate' | 'repeat'>; session: Session }

/** Sessions in MongoDB. A rotation is one conditional write: of two requests at the same time one wins, both succeed. */
export class SessionStore {
  readonly #sessions: Collection<Session>
  readonly #lifetimes: SessionLifetimes

  constructor(sessions: Collection<Session>, lifetimes: SessionLifetimes) {
    this.#sessions = sessions
    this.#lifetimes = lifetimes
  }

  async create(
    userId: ObjectId,
    from: { device?: string; address?: string },
    now: Date,
  ): Promise<{ session: Session; refreshToken: string }> {
    const refreshToken = newRefreshToken()
    const session: Session = {
      _id: randomUUID(),
      userId,
      createdAt: now,
      lastUsedAt: now,
      ...this.#ends(now, now),
      current: { hash: hashOf(refreshToken), issuedAt: now },
      spent: [],
      ...from,
    }
    await this.#sessions.insertOne(session)
    return { session, refreshToken }
  }

  async refresh(presented: string, now: Date): Promise<RefreshResult> {
    const hash = hashOf(presented)
    // The second look comes after a rotation by another request: then the token is the previous one.
    for (let look = 0; look < 3; look++) {
      const session = await this.#sessions.findOne({
        $or: [{ 'current.hash': hash }, { 'previous.hash': hash }, { spent: hash }],
      })
      if (session === null) return { outcome: 'unknown' }
      const decision = decideRefresh(session, hash, now)
      if (decision.outcome === 'repeat') {
        return { outcome: 'refreshed', session, refreshToken: unseal(decision.sealedSuccessor, presented) }
      }
      if (decision.outcome !== 'rotate') return { outcome: decision.outcome, session }
      const refreshToken = await this.#rotate(session, presented, now)
      if (refreshToken !== undefined) return { outcome: 'refreshed', session, refreshToken }
    }
    throw new Error('the session changed under every look at it')
  }

  /** @returns undefined when another request was faster */
  async #rotate(session: Session, presented: string, now: Date): Promise<string | undefined> {
    const successor = newRefreshToken()
    const { _id, current, previous, createdAt } = session
    const { matchedCount } = await this.#sessions.updateOne(
      { _id, 'current.hash': current.hash, revokedAt: { $exists: false } },
      {
        $set: {
          current: { hash: hashOf(successor), issuedAt: now },
          previous: { hash: current.hash, rotatedAt: now, sealedSuccessor: seal(successor, presented) },
          lastUsedAt: now,
          ...this.#ends(createdAt, now),
        },
        ...(previous !== undefined && { $push: { spent: { $each: [previous.hash], $slice: -mostSpent } } }),
      },
    )
    return matchedCount === 1 ? successor : undefined
  }

  /** @returns whether it was this call that ended it */
  async revoke(sessionId: string, reason: NonNullable<Session['revokedReason']>, now: Date): Promise<boolean> {
    const { modifiedCount } = await this.#sessions.updateOne(
      { _id: sessionId, revokedAt: { $exists: false } },
      { $set: { revokedAt: now, revokedReason: reason } },
    )
    return modifiedCount === 1
  }

  async revokeAll(userId: ObjectId, now: Date): Promise<void> {
    await this.#sessions.updateMany(
      { userId, revokedAt: { $exists: false } },
      { $set: { revokedAt: now, revokedReason: 'logout_all' } },
    )
  }

  #ends(createdAt: Date, now: Date): Pick<Session, 'idleExpiresAt' | 'expiresAt'> {
    return {
      idleExpiresAt: new Date(now.getTime() + this.#lifetimes.idleSeconds * 1000),
      expiresAt: new Date(createdAt.getTime() + this.#lifetimes.absoluteSeconds * 1000),
    }
  }
}
