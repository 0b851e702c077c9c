/**
 * `node migrate.js`: makes the database ready for the servers of this version, then ends.
 * Waits for MongoDB; safe to run again, and to run twice at a time.
 */
import type { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { ConfigError, readConfig } from './config.ts'
import { runMigrations } from './migrations/run.ts'
import { mongoClient } from './plugins/external/mongo.ts'

const log = pino({ name: 'migrate' })

try {
  const config = readConfig(process.env)
  const client = await connected(mongoClient(config))
  const ran = await runMigrations(client.db(config.mongodb.database), config.mongodb.usersCollection)
  log.info({ ran }, ran.length === 0 ? 'nothing to do' : 'done')
  await client.close()
} catch (error) {
  if (error instanceof ConfigError) log.fatal(`The environment cannot be used:\n${error.message}`)
  else log.fatal({ err: error }, 'the migration failed: it is repeated by starting it again')
  process.exitCode = 1
}

/** MongoDB may still be starting: asks until it answers, and says so. */
async function connected(client: MongoClient): Promise<MongoClient> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.db().command({ ping: 1 })
      return client
    } catch (error) {
      if (attempt === 1) log.info({ reason: error instanceof Error ? error.message : error }, 'waiting for MongoDB')
      await new Promise((resolve) => setTimeout(resolve, Math.min(attempt * 200, 2_000)))
    }
  }
}
