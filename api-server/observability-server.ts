import fastify, { type FastifyInstance } from 'fastify'
import { type DependencyState, dependenciesOf } from './plugins/app/health/dependencies.ts'

/** Users of a smoke test are gone by then. */
const testUserMilliseconds = 300_000

/** The maximum length that the operator reads. */
const maxFailureCharacters = 300

/**
 * Metrics and probes on a separate port, which the edge does not reach and clients do not slow down.
 * @see https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
 */
export function buildObservabilityServer(app: FastifyInstance): FastifyInstance {
  const server = fastify({ logger: false, forceCloseConnections: true })
  server.get('/livez', async () => 'alive\n')
  server.get('/readyz', async (_request, reply) => answer(reply, app.readiness.problems()))
  server.get('/startupz', async (_request, reply) => answer(reply, app.readiness.problems()))
  // For the operator: readiness does not tell whether the server reaches the shared databases.
  server.get('/status', async () => {
    const { mongodb, redis } = dependenciesOf(app)
    return {
      problems: app.readiness.problems(),
      mongodb: reachability(mongodb),
      redis: reachability(redis),
      // null: this server is no OpenID provider. Versions that do not report it omit the field.
      oidcClients: app.oidc?.clients.revision ?? null,
      ...(await factorsOfUsers(app, new Date())),
    }
  })
  server.get('/metrics', async (_request, reply) => {
    const { metrics } = app
    metrics.redisUp.set(app.redisWatch.isUp ? 1 : 0)
    metrics.mongodbUp.set(app.mongo.watch.isUp ? 1 : 0)
    metrics.revocationStaleness.set(app.revocation.stalenessSeconds())
    const { inUse, idle } = app.mongo.poolUse()
    metrics.mongodbConnections.set({ state: 'in_use' }, inUse)
    metrics.mongodbConnections.set({ state: 'idle' }, idle)
    metrics.mongodbPoolMax.set(app.config.mongodb.maxPoolSize)
    metrics.signingKeyActive.reset()
    for (const { kid, activateAt } of app.tokens.keys.all()) {
      metrics.signingKeyActive.set({ kid }, Date.parse(activateAt) / 1000)
    }
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  return server
}

/** What users have enrolled; nothing while the database does not answer. */
async function factorsOfUsers(
  app: FastifyInstance,
  now: Date,
): Promise<{ usersHaveSecondFactors?: boolean; usersHavePasskeys?: boolean }> {
  const { watch } = app.mongo
  if (!watch.isUp) return {}
  const before = new Date(now.getTime() - testUserMilliseconds)
  try {
    return await watch.whileUp(async () => ({
      usersHaveSecondFactors: await app.mfa.factors.isInUse(before),
      // Without passkeys, the search would read all factors in vain.
      ...(app.passkeys.isOn && { usersHavePasskeys: await app.mfa.factors.isInUse(before, 'passkey') }),
    }))
  } catch (error) {
    app.log.warn({ err: error }, 'it is unknown whether users have second factors')
    return {}
  }
}

/** `failure` contains host, port and error code in one line. */
function reachability({ isUp, lastFailure }: DependencyState): { up: boolean; failure?: string } {
  return isUp || lastFailure === undefined
    ? { up: isUp }
    : { up: isUp, failure: lastFailure.slice(0, maxFailureCharacters) }
}

function answer(reply: import('fastify').FastifyReply, problems: readonly string[]) {
  return reply
    .code(problems.length === 0 ? 200 : 503)
    .send(problems.length === 0 ? 'ready\n' : `${problems.join('\n')}\n`)
}
