import type { Collection, ObjectId } from 'mongodb'
import { emailCollation } from './email-collation.ts'

/** Duplicates that are named at a time; who has more runs the migration again. */
const mostReported = 50

/**
 * Why the emails of this collection cannot become unique, one line for each group of users that share one; by id,
 * because an email has no place in a log. Empty when they can.
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
        { $limit: mostReported },
        { $project: { _id: 0, hasEmail: { $ne: ['$_id', null] }, count: 1, ids: 1 } },
      ],
      { collation: emailCollation, allowDiskUse: true },
    )
    .toArray()
  return groups.map(({ hasEmail, count, ids }) => {
    const all = `${ids.join(', ')}${count > ids.length ? `, and ${count - ids.length} more` : ''}`
    return hasEmail
      ? `${count} users have one email (upper and lower case are the same): ${all}. Change or delete all but one.`
      : `${count} users have no email: ${all}. Give them one, or delete all but one.`
  })
}
