import type { Collection, ObjectId } from 'mongodb'
import type { Session } from './session.ts'

const mostListed = 100

/**
 * The sessions of a user that have not ended, the one used last first.
 * @param version the user's watermark: what began before it has ended
 */
export function runningSessions(
  sessions: Collection<Session>,
  userId: ObjectId,
  version: number,
  now: Date,
): Promise<Session[]> {
  return sessions
    .find({
      userId,
      revokedAt: { $exists: false },
      version: { $gte: version },
      idleExpiresAt: { $gt: now },
      expiresAt: { $gt: now },
    })
    .sort({ lastUsedAt: -1 })
    .limit(mostListed)
    .toArray()
}
