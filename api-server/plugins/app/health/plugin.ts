import fp from 'fastify-plugin'
import { dependenciesOf } from './dependencies.ts'
import { readinessProblems } from './readiness.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readiness: {
      /** Why the server should receive no requests; empty if it should. */
      problems(): string[]
      /** From now on, the server is permanently not ready. */
      shutDown(): void
    }
  }
}

export default fp(
  async function health(app) {
    let isShuttingDown = false
    app.decorate('readiness', {
      problems: () =>
        readinessProblems({
          isShuttingDown,
          ...dependenciesOf(app),
          schema: app.databaseSchema.known,
          knowsRevocations: app.revocation.stalenessSeconds() !== Number.POSITIVE_INFINITY,
          hasSigner: app.tokens.keys.signer(new Date()) !== undefined,
        }),
      shutDown: () => {
        isShuttingDown = true
      },
    })
  },
  { name: 'health', dependencies: ['mongo', 'redis', 'database-schema', 'tokens', 'revocation'] },
)
