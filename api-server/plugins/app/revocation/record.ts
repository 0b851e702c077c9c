import type { ClientSession, Collection, ObjectId } from 'mongodb'
import type { RevocationReason, Session } from '../sessions/session.ts'
import { type Revocation, type Revocations, revocationId } from './revocation.ts'

/** Servers forget a revocation before the database does, or a new token would meet an old watermark. */
const forgetMarginSeconds = 600

export interface Lifetimes {
  accessSeconds: number
  absoluteSeconds: number
}

/** Ends a session, within a transaction. */
export async function recordSession(
  { sessions, revocations }: { sessions: Collection<Session>; revocations: Revocations },
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
  return record(revocations, 'session', sessionId, session?.accessUntil, lifetimes, transaction)
}

/** Ends every session of a user, and whatever was issued before now, within a transaction. */
export async function recordUser(
  { sessions, revocations }: { sessions: Collection<Session>; revocations: Revocations },
  userId: ObjectId,
  reason: RevocationReason,
  lifetimes: Lifetimes,
  transaction: ClientSession,
): Promise<Revocation> {
  const running = { userId, revokedAt: { $exists: false } }
  const [last] = await sessions
    .find(running, { session: transaction, projection: { accessUntil: 1 } })
    .sort({ accessUntil: -1 })
    .limit(1)
    .toArray()
  await sessions.updateMany(running, [{ $set: { revokedAt: '$$NOW', revokedReason: reason } }], {
    session: transaction,
  })
  return record(revocations, 'user', userId.toHexString(), last?.accessUntil, lifetimes, transaction)
}

/**
 * @param accessUntil the longest of the access tokens that were issued, also under settings of an earlier time
 */
async function record(
  revocations: Revocations,
  kind: Revocation['kind'],
  subject: string,
  accessUntil: Date | undefined,
  { accessSeconds, absoluteSeconds }: Lifetimes,
  transaction: ClientSession,
): Promise<Revocation> {
  const inSeconds = (amount: number) => ({ $dateAdd: { startDate: '$$NOW', unit: 'second', amount } })
  const tokensUntil = {
    $max: [inSeconds(accessSeconds + forgetMarginSeconds), accessUntil ?? null, '$tokensUntil'],
  }
  // A session that began before a watermark may not be among those that were ended: it is compared as long as it lives.
  const expiresAt = {
    $max: [
      '$expiresAt',
      inSeconds(2 * forgetMarginSeconds + (kind === 'user' ? absoluteSeconds : accessSeconds)),
      { $dateAdd: { startDate: accessUntil ?? '$$NOW', unit: 'second', amount: forgetMarginSeconds } },
    ],
  }
  const watermark = { $max: [{ $toLong: '$$NOW' }, { $add: [{ $ifNull: ['$watermark', 0] }, 1] }] }
  const written = await revocations.findOneAndUpdate(
    { _id: revocationId(kind, subject) },
    [{ $set: { kind, subject, watermark, changedAt: '$$NOW', tokensUntil, expiresAt, unpublished: true } }],
    { upsert: true, returnDocument: 'after', session: transaction },
  )
  if (written === null) throw new Error('an upsert gave no document')
  return written
}
