import { setTimeout } from 'node:timers/promises'

/** Resolves when the work is done, or after this time. The work then continues in the background. */
export async function withDeadline(milliseconds: number, work: Promise<void>): Promise<void> {
  const waited = new AbortController()
  const tired = setTimeout(milliseconds, undefined, { signal: waited.signal }).catch(() => {}) // the work was done
  try {
    await Promise.race([work, tired])
  } finally {
    waited.abort()
  }
}
