import { setTimeout } from 'node:timers/promises'

/** Resolves when the event comes, or after so long. No timer is left over, which would keep the process until then. */
export async function waitAtMost(milliseconds: number, event: Promise<void>): Promise<void> {
  const waited = new AbortController()
  const tired = setTimeout(milliseconds, undefined, { signal: waited.signal }).catch(() => {}) // the event came first
  await Promise.race([event, tired])
  waited.abort()
}
