import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Runs `work` while no other process holds the lock at `path`.
 * SQLite's lock is the operating system's, which lets go of it however the process ends: no stale locks.
 *
 * @param onWait is called once when another process holds the lock
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  onWait?: () => void,
): Promise<Result> {
  await mkdir(dirname(path), { recursive: true })
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    if (!tryLock(database)) {
      onWait?.()
      while (!tryLock(database)) await delay(200)
    }
    return await work()
  } finally {
    database.close()
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) return false
    throw error
  }
}
