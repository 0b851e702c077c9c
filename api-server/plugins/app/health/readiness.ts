import type { Db } from 'mongodb'
import { missingMigrations } from '../../../migrations/run.ts'

/** MongoDB may be away for so long before the server says that it is not ready: an election takes less. */
const mongodbGraceMilliseconds = 10_000
const probeMilliseconds = 1_000

/** Why the server should get no requests, in words; empty when it should. */
export interface Readiness {
  problems(): string[]
  /** From here on the server is not ready, for good. */
  shutDown(): void
  stop(): void
}

/** Looks at MongoDB every second, so that a probe answers at once whatever MongoDB does. */
export function watchReadiness(db: Db, usersCollection: string, hasSigner: () => boolean): Readiness {
  let shuttingDown = false
  let lastAnswer = Number.NEGATIVE_INFINITY
  let missing: string[] | undefined
  const look = async () => {
    try {
      if (missing === undefined || missing.length > 0) missing = await missingMigrations(db, usersCollection)
      else await db.command({ ping: 1 })
      lastAnswer = performance.now()
    } catch {
      // Its age tells.
    }
  }
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const loop = async () => {
    await look()
    if (!stopped) timer = setTimeout(loop, probeMilliseconds)
  }
  void loop()
  return {
    problems: () => [
      ...(shuttingDown ? ['the server shuts down'] : []),
      ...(performance.now() - lastAnswer > mongodbGraceMilliseconds ? ['MongoDB does not answer'] : []),
      ...(missing === undefined ? [] : missing.map((id) => `migration ${id} has not run`)),
      ...(hasSigner() ? [] : ['no signing key is active']),
    ],
    shutDown: () => {
      shuttingDown = true
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
