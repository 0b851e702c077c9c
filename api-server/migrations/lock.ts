import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Db } from 'mongodb'
import { isDuplicateKey } from '../duplicate-key.ts'

interface Lock {
  _id: 'migrations'
  owner: string
  until: Date
}

/** How long to wait for a process that died. A live one renews its lock three times in this time. */
const lockSeconds = 60
const retryMilliseconds = 250

/**
 * Does the work while holding a lock, however long it takes: building an index of a large collection takes more than a
 * minute. Waits for the current holder of the lock. Times are those of the database.
 *
 * @throws when the lock was lost, because this process or the database was stopped for a minute
 */
export async function withLock<Result>(db: Db, work: () => Promise<Result>): Promise<Result> {
  const owner = randomUUID()
  const locks = db.collection<Lock>('locks')
  while (!(await take(db, owner))) await setTimeout(retryMilliseconds)
  let lost: unknown
  const renewing = setInterval(
    () => {
      renew(db, owner).catch((error) => {
        lost = error
      })
    },
    (lockSeconds * 1000) / 3,
  )
  try {
    const result = await work()
    if (lost !== undefined) throw new Error('lost the migration lock while migrations were running', { cause: lost })
    return result
  } finally {
    clearInterval(renewing)
    await locks.deleteOne({ _id: 'migrations', owner })
  }
}

const untilLater = { $dateAdd: { startDate: '$$NOW', unit: 'second', amount: lockSeconds } }

async function take(db: Db, owner: string): Promise<boolean> {
  const locks = db.collection<Lock>('locks')
  try {
    await locks.insertOne({ _id: 'migrations', owner: '', until: new Date(0) })
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
  }
  const { modifiedCount } = await locks.updateOne({ _id: 'migrations', $expr: { $lt: ['$until', '$$NOW'] } }, [
    { $set: { owner, until: untilLater } },
  ])
  return modifiedCount === 1
}

async function renew(db: Db, owner: string): Promise<void> {
  const { matchedCount } = await db
    .collection<Lock>('locks')
    .updateOne({ _id: 'migrations', owner }, [{ $set: { until: untilLater } }])
  if (matchedCount === 0) throw new Error('another process holds the migration lock')
}
