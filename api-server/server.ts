/** The auth server as a program: starts it, and ends it without failing a request. */
import { networkInterfaces } from 'node:os'
import { inspect } from 'node:util'
import closeWithGrace from 'close-with-grace'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { buildApp } from './build-app.ts'
import { ensureInitialAdmin } from './commands/initial-admin.ts'
import { type Config, readConfig } from './config/config.ts'
import { ConfigError } from './config/read-environment.ts'
import { runMigrations } from './migrations/run.ts'
import { buildObservabilityServer } from './observability-server.ts'
import { withoutSecrets } from './plugins/app/observability/log-lines.ts'
import { connectWithRetry, migrationClient } from './plugins/external/mongo.ts'

/** Time that requests in progress have after the listener has closed. */
const maxSecondsInFlight = 30

try {
  await start(readConfig(process.env))
} catch (error) {
  if (error instanceof ConfigError) console.error(`The environment is invalid:\n${error.message}`)
  else console.error(withoutSecrets(inspect(error)))
  process.exit(1)
}

async function start(config: Config): Promise<void> {
  const app = await buildApp(config)
  const observability = buildObservabilityServer(app)
  // Before the listeners, because signals and probes may arrive while the server waits for its database.
  endWithGrace(app, observability)
  const host = config.host ?? everyAddress()
  await observability.listen({ host, port: config.metricsPort })
  if (config.migrateOnStart) await migrate(config, app.log)
  await app.listen({ host, port: config.port })
  app.securityEvents.record('sys_startup')
}

/** `::` also accepts IPv4 (RFC 3493 section 5.3); a kernel without IPv6 does not support it. */
function everyAddress(): '::' | '0.0.0.0' {
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses = []) =>
    addresses.some(({ family }) => family === 'IPv6'),
  )
  return hasIpv6 ? '::' : '0.0.0.0'
}

/** A second signal, or a second error, ends the process at once. */
function endWithGrace(app: FastifyInstance, observability: FastifyInstance): void {
  const { shutdownDrainSeconds } = app.config
  const delay = (shutdownDrainSeconds + maxSecondsInFlight) * 1000
  const onTimeout = () =>
    app.log.error(`requests are still in progress after ${maxSecondsInFlight} s: closing their connections`)
  const onSecondError = (error: unknown) => crash(app, error)
  closeWithGrace({ delay, logger: false, onTimeout, onSecondError }, async ({ err: error, signal }) => {
    if (error !== undefined) crash(app, error)
    app.securityEvents.record('sys_shutdown', { reason: signal ?? 'closed' })
    await drain(app, shutdownDrainSeconds)
    await app.close()
    await observability.close()
  })
}

/** After an uncaught error the state of the process is unknown: it ends at once, without answering. */
function crash(app: FastifyInstance, error: unknown): never {
  app.log.fatal({ event: 'sys_crash', err: error }, 'sys_crash')
  process.exit(1)
}

/** Keeps answering until the endpoints of the Service and the connections of clients no longer lead here. */
async function drain(app: FastifyInstance, seconds: number): Promise<void> {
  app.readiness.shutDown()
  app.draining.start()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}

async function migrate(config: Config, log: FastifyBaseLogger): Promise<void> {
  await using client = migrationClient(config)
  await connectWithRetry(client, {
    onFailure: (error) => log.debug({ err: error }, 'migrations are waiting for MongoDB'),
  })
  const db = client.db(config.mongodb.database)
  const ran = await runMigrations(db, config.mongodb.usersCollection)
  const admin = await ensureInitialAdmin(db, config)
  log.info({ ran: ran.map(({ id }) => id), ...(admin !== undefined && { admin }) }, 'migrations completed')
}
