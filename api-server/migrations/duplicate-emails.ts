import type { Collection, ObjectId } from 'mongodb'
import { emailCollation } from './email-collation.ts'

/** Maximum number of duplicates in one message. To see more, run the migration again. */
const maxReported = 50

/**
 * Why the emails of this collection cannot become unique, one line for each group of users that share one. Names users
 * by ID, because emails must not be logged. Empty if they can.
 */
export async function duplicateEmails(users: Collection): Promise<string[]> {
  const groups = await users
    .aggregate<{ hasEmail: boolean; count: number; ids: ObjectId[] }>(
      [
        {
          $group: {
            _id: { $ifNull: ['$email', null] },
            count: { $sum: 1 },
            ids: { $firstN: { input: '$_id', n: 5 } },
          },
        },
        { $match: { count: { $gt: 1 } } },
        { $limit: maxReported },
        { $project: { _id: 0, hasEmail: { $ne: ['$_id', null] }, count: 1, ids: 1 } },
      ],
      { collation: emailCollation, allowDiskUse: true },
    )
    .toArray()
  return groups.map(({ hasEmail, count, ids }) => {
    const all = `${ids.join(', ')}${count > ids.length ? `, and ${count - ids.length} more` : ''}`
    return hasEmail
      ? `${count} users have the same email (ignoring case): ${all}. Change or delete all but one.`
      : `${count} users have no email: ${all}. Set their emails, or delete all but one.`
  })
}
