import { writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Db } from 'mongodb'

/** Names the file that `migrate.js` writes what it learned of the databases to; unset: it writes none. */
export const reportFileVariable = 'DATABASE_REPORT_FILE'

/** What only a program that reaches the databases can know, for the operator that does not. */
export interface DatabaseReport {
  mongodb: {
    /** Transactions, which registering and changing passwords need, work in all but `standalone`. */
    topology: 'replicaSet' | 'sharded' | 'standalone'
  }
  redis: {
    /** `maxmemory-policy`; anything but `noeviction` forgets limits and revocations. undefined: Redis did not answer. */
    maxmemoryPolicy?: string
  }
}

/** @see https://www.mongodb.com/docs/manual/reference/command/hello/ */
export async function inspectMongoDb(db: Db): Promise<DatabaseReport['mongodb']> {
  const { setName, msg } = await db.command({ hello: 1 })
  if (typeof setName === 'string') return { topology: 'replicaSet' }
  return { topology: msg === 'isdbgrid' ? 'sharded' : 'standalone' }
}

/**
 * Asks Redis for its memory policy by INFO, which services that forbid CONFIG allow, too.
 *
 * @param patienceMilliseconds how long a Redis that may still be starting is waited for
 */
export async function inspectRedis(redis: Redis, patienceMilliseconds: number): Promise<DatabaseReport['redis']> {
  const deadline = performance.now() + patienceMilliseconds
  for (;;) {
    try {
      const [, maxmemoryPolicy] = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory')) ?? []
      return maxmemoryPolicy === undefined ? {} : { maxmemoryPolicy }
    } catch {
      if (performance.now() >= deadline) return {}
      await setTimeout(250)
    }
  }
}

/** How `migrate.js` ends when the data is in the way: trying again would help nothing. */
export const refusedExitCode = 2

/** The kubelet takes at most 4,096 bytes, the last ones, of what a container leaves; some are left for others' words. */
const mostRefusalBytes = 3500

/** Writes why the migration was refused, whole lines of it: nobody should read half of an id. */
export async function writeRefusal(path: string, reasons: string): Promise<void> {
  const lines = reasons.split('\n')
  let bytes = 0
  const told = lines.filter((line) => {
    bytes += Buffer.byteLength(line) + 1
    return bytes <= mostRefusalBytes
  })
  const untold = lines.length - told.length
  await writeFile(
    path,
    [...told, ...(untold > 0 ? [`And ${untold} more: the log of the pod has them.`] : [])].join('\n'),
  )
}

/** Writes the report on one line. The kubelet takes at most 4,096 bytes of it. */
export async function writeReport(path: string, report: DatabaseReport): Promise<void> {
  await writeFile(path, JSON.stringify(report))
}
