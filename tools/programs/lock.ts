import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Runs `work` while no other process holds the lock at `path`. The lock is SQLite's, which the operating system
 * releases when its process ends.
 *
 * @param onWait called once when another process holds the lock
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
