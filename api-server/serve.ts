/** Starts the auth server, and ends it without failing a request. */
import { inspect } from 'node:util'
import closeWithGrace from 'close-with-grace'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import type { CodeCacheUse } from './code-cache.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { ensureInitialAdmin } from './initial-admin.ts'
import { runMigrations } from './migrations/run.ts'
import { buildObservabilityServer } from './observability-server.ts'
import { withoutSecrets } from './plugins/app/observability/log-lines.ts'
import { connectOnceThere, migrationClient } from './plugins/external/mongo.ts'
import { endStart } from './start-up-memory.ts'

/** What is in flight when the listener closes may take so long. */
const mostSecondsInFlight = 30

export interface ServeOptions {
  /** What became of the code cache, where the server has one. */
  codeCache?: CodeCacheUse
}

/** Runs the server until a signal ends it. When it cannot start it says why, and the process ends with 1. */
export async function serve(options: ServeOptions = {}): Promise<void> {
  try {
    await start(options)
  } catch (error) {
    if (error instanceof ConfigError) console.error(`The environment cannot be used:\n${error.message}`)
    else console.error(withoutSecrets(inspect(error)))
    process.exit(1)
  }
}

/** What is made before anything listens. @throws ConfigError */
export async function prepare(environment: NodeJS.ProcessEnv) {
  const config = readConfig(environment)
  const app = await buildApp(config)
  return { config, app, observability: buildObservabilityServer(app) }
}

async function start({ codeCache = 'not asked' }: ServeOptions): Promise<void> {
  const { config, app, observability } = await prepare(process.env)
  endStart()
  if (codeCache === 'rejected' || codeCache === 'missing') {
    app.log.warn(`the code cache of this image is ${codeCache}: the start took longer for it`)
  }
  // First of all: a signal may come, and a probe look, while the server waits for its database.
  endWithGrace(app, observability)
  await observability.listen({ host: config.host, port: config.metricsPort })
  if (config.migrateOnStart) await migrate(config, app.log)
  await app.listen({ host: config.host, port: config.port })
  app.securityEvents.record('sys_startup')
}

/** A second signal, or a second error, ends the process at once. */
function endWithGrace(app: FastifyInstance, observability: FastifyInstance): void {
  const { shutdownDrainSeconds } = app.config
  const delay = (shutdownDrainSeconds + mostSecondsInFlight) * 1000
  const onTimeout = () => app.log.error(`requests are still in flight after ${mostSecondsInFlight} s: they are cut off`)
  const onSecondError = (error: unknown) => crash(app, error)
  closeWithGrace({ delay, logger: false, onTimeout, onSecondError }, async ({ err: error, signal }) => {
    if (error !== undefined) crash(app, error)
    app.securityEvents.record('sys_shutdown', { reason: signal ?? 'closed' })
    await drain(app, shutdownDrainSeconds)
    await app.close()
    await observability.close()
  })
}

/** Nothing is known about the state of a process with an error that nobody caught: it answers nobody any more. */
function crash(app: FastifyInstance, error: unknown): never {
  app.log.fatal({ event: 'sys_crash', err: error }, 'sys_crash')
  process.exit(1)
}

/** Goes on answering until everybody who sends requests has heard that this server is going. */
async function drain(app: FastifyInstance, seconds: number): Promise<void> {
  app.readiness.shutDown()
  app.draining.start()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}

async function migrate(config: Config, log: FastifyBaseLogger): Promise<void> {
  await using client = migrationClient(config)
  await connectOnceThere(client, { onFailure: (error) => log.debug({ err: error }, 'migrations wait for MongoDB') })
  const db = client.db(config.mongodb.database)
  const ran = await runMigrations(db, config.mongodb.usersCollection)
  const admin = await ensureInitialAdmin(db, config)
  log.info({ ran: ran.map(({ id }) => id), ...(admin !== undefined && { admin }) }, 'the migrations have run')
}
