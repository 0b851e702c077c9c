import type { Collection } from 'mongodb'
import type { UserKey } from '../users/user-key.ts'
import type { Session } from './session.ts'

/** Maximum number of sessions of a user: one more ends the least recently used one. */
export const maxSessions = 100
/** Maximum number of sessions of a user whose codes were not redeemed: one more removes the oldest one. */
export const maxUnredeemed = 20
/** Maximum number ended at once, if an earlier version allowed more. */
const maxEndedAtOnce = 20

/**
 * The active sessions of a user, most recently used first.
 * @param version the user's watermark: earlier sessions have ended
 */
export function runningSessions(
  sessions: Collection<Session>,
  userId: UserKey,
  version: number,
  now: Date,
): Promise<Session[]> {
  return sessions
    .find({
      userId,
      revokedAt: { $exists: false },
      version: { $gte: version },
      unredeemed: { $exists: false },
      idleExpiresAt: { $gt: now },
      expiresAt: { $gt: now },
    })
    .sort({ lastUsedAt: -1 })
    .limit(maxSessions)
    .toArray()
}

/** IDs of surplus sessions, least recently used first. */
export async function excessSessions(sessions: Collection<Session>, userId: UserKey): Promise<string[]> {
  const running = { userId, revokedAt: { $exists: false }, unredeemed: { $exists: false } }
  // Nearly always enough: the index has them, and only one more than allowed is read.
  if ((await sessions.countDocuments(running, { limit: maxSessions + 1 })) <= maxSessions) return []
  const excess = await sessions
    .find(running, { projection: { _id: 1 } })
    .sort({ lastUsedAt: -1 })
    .skip(maxSessions)
    .limit(maxEndedAtOnce)
    .toArray()
  return excess.map(({ _id }) => _id)
}

/** Makes room for one more session whose code is not redeemed. No token of those that it removes was ever issued. */
export async function removeSurplusUnredeemed(sessions: Collection<Session>, userId: UserKey): Promise<void> {
  const unredeemed = { unredeemed: { $exists: true } }
  const surplus = await sessions
    .find({ userId, revokedAt: { $exists: false }, ...unredeemed }, { projection: { _id: 1 } })
    .sort({ createdAt: -1 })
    .skip(maxUnredeemed - 1)
    .toArray()
  if (surplus.length > 0) await sessions.deleteMany({ _id: { $in: surplus.map(({ _id }) => _id) }, ...unredeemed })
}
