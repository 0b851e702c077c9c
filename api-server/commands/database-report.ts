import { writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { DatabaseReport } from '@authservice-operator/contract/database-report.ts'
import type { Redis } from 'ioredis'

/**
 * Reads the memory policy of Redis with INFO, which services that forbid CONFIG also allow.
 *
 * @param patienceMilliseconds how long to wait for a Redis that may still be starting
 */
export async function inspectRedis(redis: Redis, patienceMilliseconds: number): Promise<DatabaseReport['redis']> {
  const deadline = performance.now() + patienceMilliseconds
  let reason = 'no answer'
  const note = (error: unknown) => {
    if (error instanceof Error && error.message !== '') reason = error.message
  }
  // The error of a command without a connection does not contain the cause.
  redis.on('error', note)
  try {
    for (;;) {
      try {
        const [, maxmemoryPolicy] = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory')) ?? []
        return maxmemoryPolicy === undefined ? {} : { maxmemoryPolicy }
      } catch (error) {
        if (redis.status === 'ready') note(error)
        const { host, port } = redis.options
        if (performance.now() >= deadline) return { failure: `${host}:${port}: ${reason}`.slice(0, 300) }
        await setTimeout(250)
      }
    }
  } finally {
    redis.off('error', note)
  }
}

/** The kubelet keeps at most the last 4,096 bytes of a termination message. Some are left for other text. */
const maxRefusalBytes = 3500

/** Writes why the migration was refused. It writes only whole lines, so that no id is truncated. */
export async function writeRefusal(path: string, reasons: string): Promise<void> {
  const lines = reasons.split('\n')
  let bytes = 0
  const written = lines.filter((line) => {
    bytes += Buffer.byteLength(line) + 1
    return bytes <= maxRefusalBytes
  })
  const omitted = lines.length - written.length
  await writeFile(
    path,
    [...written, ...(omitted > 0 ? [`And ${omitted} more: see the log of the pod.`] : [])].join('\n'),
  )
}

/** Writes the report on one line. The kubelet keeps at most 4,096 bytes of it. */
export async function writeReport(path: string, report: DatabaseReport): Promise<void> {
  await writeFile(path, JSON.stringify(report))
}
