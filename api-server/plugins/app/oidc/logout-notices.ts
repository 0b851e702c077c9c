import type { Collection } from 'mongodb'
import type { Session } from '../sessions/session.ts'

/** A client that has to be told that a session of it has ended. */
export interface ClaimedNotice {
  sessionId: string
  userId: string
  clientId: string
  /** This attempt and the earlier ones. */
  attempts: number
  /** Whether the client has never redeemed the code of the session, and so does not know it. */
  isUnknown: boolean
}

/** Another server takes a notice over when the one that has it does not report within this time. */
const leaseSeconds = 60

/** Delays after the first, second, … attempt, in seconds. After the last one the notice is given up. */
const retrySeconds = [5, 30, 120, 600, 3_600]

/**
 * The notices of ended sessions to their clients. A session carries its notice from its beginning, so that the one write
 * that ends it makes the notice due: neither can happen without the other. Decision 77.
 */
export class LogoutNotices {
  readonly #sessions: Collection<Session>

  constructor(sessions: Collection<Session>) {
    this.#sessions = sessions
  }

  /**
   * Takes the notice that has been due for longest, so that no other server does. The index `logout_notices` has all fields
   * of the filter and of the order, so that only this one session is read. @param notOf clients whose notices can wait
   */
  async claim(notOf: readonly string[], now: Date): Promise<ClaimedNotice | undefined> {
    const found = await this.#sessions.findOneAndUpdate(
      {
        revokedAt: { $gt: new Date(0) },
        'oauth.logoutNotice.dueAt': { $lte: now },
        'oauth.clientId': { $nin: [...notOf] },
      },
      {
        $set: { 'oauth.logoutNotice.dueAt': inSeconds(now, leaseSeconds) },
        $inc: { 'oauth.logoutNotice.attempts': 1 },
      },
      {
        sort: { 'oauth.logoutNotice.dueAt': 1 },
        returnDocument: 'after',
        projection: { userId: 1, oauth: 1, unredeemed: 1 },
      },
    )
    if (found?.oauth?.logoutNotice === undefined) return undefined
    const { clientId, logoutNotice } = found.oauth
    return {
      sessionId: found._id,
      userId: found.userId.toString(),
      clientId,
      attempts: logoutNotice.attempts,
      isUnknown: found.unredeemed !== undefined,
    }
  }

  /** The client knows, or need not know. */
  async remove(notice: ClaimedNotice): Promise<void> {
    await this.#sessions.updateOne(ofAttempt(notice), { $unset: { 'oauth.logoutNotice': 1 } })
  }

  /** The attempt has failed. @returns whether there will be another one */
  async retryLater(notice: ClaimedNotice, now: Date): Promise<boolean> {
    const pause = retrySeconds[notice.attempts - 1]
    if (pause === undefined) {
      await this.remove(notice)
      return false
    }
    await this.#sessions.updateOne(ofAttempt(notice), {
      $set: { 'oauth.logoutNotice.dueAt': inSeconds(now, pause) },
    })
    return true
  }
}

/** Unless another server has taken the notice over. */
function ofAttempt({ sessionId, attempts }: ClaimedNotice) {
  return { _id: sessionId, 'oauth.logoutNotice.attempts': attempts }
}

function inSeconds(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1_000)
}
