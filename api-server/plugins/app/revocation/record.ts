import type { ClientSession, Collection } from 'mongodb'
import type { OneTimeToken } from '../one-time-tokens/store.ts'
import type { RevocationReason, Session } from '../sessions/session.ts'
import type { UserKey } from '../users/user-key.ts'
import { type Revocation, type Revocations, revocationId } from './revocation.ts'

/**
 * Servers forget a revocation before the database does. Otherwise a new token could be compared with an old watermark.
 */
const forgetMarginSeconds = 600

export interface Lifetimes {
  accessSeconds: number
  absoluteSeconds: number
}

export interface Collections {
  sessions: Collection<Session>
  revocations: Revocations
  oneTimeTokens: Collection<OneTimeToken>
}

/** Ends a session, in a transaction. */
export async function recordSession(
  { sessions, revocations }: Collections,
  sessionId: string,
  reason: RevocationReason,
  lifetimes: Lifetimes,
  transaction: ClientSession,
): Promise<Revocation> {
  const session = await sessions.findOneAndUpdate(
    { _id: sessionId },
    [
      {
        $set: {
          revokedAt: { $ifNull: ['$revokedAt', '$$NOW'] },
          revokedReason: { $ifNull: ['$revokedReason', reason] },
        },
      },
    ],
    { session: transaction },
  )
  return record(revocations, 'session', sessionId, { accessUntil: session?.accessUntil }, lifetimes, transaction)
}

/** Ends every session and pending mailed link of a user that was issued before now, in a transaction. */
export async function recordUser(
  { sessions, revocations, oneTimeTokens }: Collections,
  userId: UserKey,
  lifetimes: Lifetimes,
  transaction: ClientSession,
): Promise<Revocation> {
  // Each with an index, because there may be any number of sessions.
  const last = async (end: 'accessUntil' | 'expiresAt'): Promise<Date | undefined> => {
    const options = { session: transaction, sort: { [end]: -1 }, projection: { [end]: 1 } } as const
    return (await sessions.findOne({ userId }, options))?.[end]
  }
  const ends = { accessUntil: await last('accessUntil'), expiresAt: await last('expiresAt') }
  await oneTimeTokens.deleteMany({ userId }, { session: transaction })
  return record(revocations, 'user', userId.toString(), ends, lifetimes, transaction)
}

/**
 * Marks the sessions that a watermark has ended and whose clients are to be told, in its transaction: a server that dies
 * afterwards would never mark them. A user has about 100 active sessions at most.
 */
export async function markSessionsToTell(
  sessions: Collection<Session>,
  userId: UserKey,
  watermark: number,
  reason: RevocationReason,
  transaction: ClientSession,
): Promise<void> {
  await sessions.updateMany(
    {
      userId,
      revokedAt: { $exists: false },
      version: { $lt: watermark },
      'oauth.logoutNotice': { $exists: true },
    },
    [{ $set: { revokedAt: '$$NOW', revokedReason: reason } }],
    { session: transaction },
  )
}

/** Expiry of the last issued token, including those issued with earlier settings. */
interface Ends {
  accessUntil: Date | undefined
  /** For sessions. */
  expiresAt?: Date | undefined
}

async function record(
  revocations: Revocations,
  kind: Revocation['kind'],
  subject: string,
  { accessUntil, expiresAt: sessionsUntil }: Ends,
  { accessSeconds, absoluteSeconds }: Lifetimes,
  transaction: ClientSession,
): Promise<Revocation> {
  const inSeconds = (amount: number) => ({ $dateAdd: { startDate: '$$NOW', unit: 'second', amount } })
  const tokensUntil = {
    $max: [inSeconds(accessSeconds + forgetMarginSeconds), accessUntil ?? null, '$tokensUntil'],
  }
  // A session that began before a watermark is compared with it for its whole lifetime.
  const expiresAt = {
    $max: [
      '$expiresAt',
      inSeconds(2 * forgetMarginSeconds + (kind === 'user' ? absoluteSeconds : accessSeconds)),
      ...[accessUntil, sessionsUntil].map((end) => ({
        $dateAdd: { startDate: end ?? '$$NOW', unit: 'second', amount: forgetMarginSeconds },
      })),
    ],
  }
  const watermark = { $max: [{ $toLong: '$$NOW' }, { $add: [{ $ifNull: ['$watermark', 0] }, 1] }] }
  const written = await revocations.findOneAndUpdate(
    { _id: revocationId(kind, subject) },
    [{ $set: { kind, subject, watermark, changedAt: '$$NOW', tokensUntil, expiresAt, unpublished: true } }],
    { upsert: true, returnDocument: 'after', session: transaction },
  )
  if (written === null) throw new Error('an upsert returned no document')
  return written
}
