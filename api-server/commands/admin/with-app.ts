import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../build-app.ts'
import { type Config, readConfig } from '../../config/config.ts'
import type { DependencyWatch } from '../../plugins/external/dependency-watch.ts'

/** A busy machine may take a while to connect. */
const maxConnectMilliseconds = 10_000

/**
 * Runs a command with the server's own code, without listening: its changes, events and mails are those of the API.
 * Prints the lines of the command. Mails are sent and events are stored before it returns.
 *
 * @throws ConfigError, or Error when MongoDB or Redis is unavailable
 */
export async function withApp(command: (app: FastifyInstance) => AsyncIterable<string>): Promise<void> {
  // The output is that of the command. Security events are in the database, and errors in the log.
  const config: Config = { ...readConfig(process.env), logLevel: 'error' }
  const app = await buildApp(config)
  try {
    await requireUp(app.mongo.watch, 'MongoDB')
    await requireUp(app.redisWatch, `Redis at ${config.redis.host}:${config.redis.port}`)
    for await (const line of command(app)) console.log(line)
    await app.mail.idle()
    await app.securityEventStore.flush()
  } finally {
    await app.close()
  }
}

async function requireUp(watch: DependencyWatch, name: string): Promise<void> {
  await watch.firstAnswer(maxConnectMilliseconds)
  if (watch.isUp) return
  const reason = watch.failure instanceof Error ? ` (${watch.failure.message})` : ''
  throw new Error(`${name} is unavailable${reason}. Nothing was changed. Run the command again when it has recovered.`)
}
