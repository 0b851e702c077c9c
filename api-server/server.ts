/** Starts the auth server, and ends it without failing a request. */
import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { runMigrations } from './migrations/run.ts'
import { buildObservabilityServer } from './observability-server.ts'
import { connectOnceThere, mongoClient } from './plugins/external/mongo.ts'
import { releaseStartUpGarbage } from './start-up-garbage.ts'

try {
  await start()
} catch (error) {
  if (error instanceof ConfigError) console.error(`The environment cannot be used:\n${error.message}`)
  else console.error(error)
  process.exit(1)
}

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const app = await buildApp(config)
  if (config.migrateOnStart) await migrate(config)
  const observability = buildObservabilityServer(app)
  releaseStartUpGarbage()
  await observability.listen({ host: config.host, port: config.metricsPort })
  await app.listen({ host: config.host, port: config.port })
  app.securityEvents.record('sys_startup')

  const mostSeconds = config.shutdownDrainSeconds + 30
  closeWithGrace({ delay: mostSeconds * 1000, logger: false }, async ({ err: error, signal }) => {
    if (error !== undefined) {
      app.log.fatal({ event: 'sys_crash', err: error }, 'sys_crash')
      process.exitCode = 1
    } else {
      app.securityEvents.record('sys_shutdown', { reason: signal ?? 'closed' })
      await drain(app, config.shutdownDrainSeconds)
    }
    await app.close()
    await observability.close()
  })
}

/** With a client of its own: an index takes longer than a request may. */
async function migrate(config: Config): Promise<void> {
  await using client = mongoClient(config, { socketTimeoutMS: 0 })
  await connectOnceThere(client)
  await runMigrations(client.db(config.mongodb.database), config.mongodb.usersCollection)
}

/** Goes on answering until everybody who sends requests has heard that this server is going. */
async function drain(app: Awaited<ReturnType<typeof buildApp>>, seconds: number): Promise<void> {
  app.readiness.shutDown()
  app.draining.start()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
