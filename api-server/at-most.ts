import { setTimeout } from 'node:timers/promises'

/** Resolves when the work is done, or after so long: then the work goes on, and nobody waits for it. */
export async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  const waited = new AbortController()
  const tired = setTimeout(milliseconds, undefined, { signal: waited.signal }).catch(() => {}) // the work was done
  try {
    await Promise.race([work, tired])
  } finally {
    waited.abort()
  }
}
