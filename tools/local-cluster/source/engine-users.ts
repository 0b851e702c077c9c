import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * Which processes use the container engine besides the clusters: each leaves an empty file that its process id names,
 * from before the engine starts until it has a cluster, or needs the engine no more.
 */

/** Records that this process uses the engine. */
export function beginUse(directory: string): void {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, String(process.pid)), '')
}

/** Ends what `beginUse` began, if it did. */
export function endUse(directory: string): void {
  rmSync(join(directory, String(process.pid)), { force: true })
}

/** The ids of other running processes that use the engine. A process that was killed counts no more. */
export function otherUsers(directory: string): number[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .map(Number)
    .filter((pid) => pid !== process.pid && existsSync(join('/proc', String(pid))))
}
