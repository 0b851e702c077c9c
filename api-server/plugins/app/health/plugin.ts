import { setTimeout } from 'node:timers/promises'
import fp from 'fastify-plugin'
import { missingMigrations } from '../../../migrations/run.ts'
import { readinessProblems } from './readiness.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readiness: {
      /** Why the server should get no requests, in words; empty when it should. */
      problems(): string[]
      /** From here on the server is not ready, for good. */
      shutDown(): void
    }
  }
}

const lookMilliseconds = 1_000

export default fp(
  async function health(app) {
    let isShuttingDown = false
    let missing: string[] | undefined
    const stopping = new AbortController()

    /** A migration that has run stays so: they are looked at until none is missing. */
    const lookAtMigrations = async () => {
      while (!stopping.signal.aborted && (missing === undefined || missing.length > 0)) {
        if (app.mongo.watch.isUp) {
          await missingMigrations(app.mongo.db, app.config.mongodb.usersCollection).then(
            (found) => {
              missing = found
            },
            (error) => app.log.debug({ err: error }, 'the migrations cannot be looked at'),
          )
        }
        if (missing?.length !== 0) {
          await setTimeout(lookMilliseconds, undefined, { signal: stopping.signal }).catch(() => {}) // stopping
        }
      }
    }
    const looking = lookAtMigrations()

    app.decorate('readiness', {
      problems: () =>
        readinessProblems({
          isShuttingDown,
          mongodb: app.mongo.watch,
          redis: app.redisWatch,
          missingMigrations: missing,
          knowsRevocations: app.revocation.stalenessSeconds() !== Number.POSITIVE_INFINITY,
          hasSigner: app.tokens.keys.signer(new Date()) !== undefined,
        }),
      shutDown: () => {
        isShuttingDown = true
      },
    })
    app.addHook('onClose', async () => {
      stopping.abort()
      await looking
    })
  },
  { name: 'health', dependencies: ['mongo', 'redis', 'tokens', 'revocation'] },
)
