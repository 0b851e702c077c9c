/**
 * `node migrate.js`: makes the database ready for the servers of this version, then ends.
 * Waits for MongoDB; safe to run again, and to run twice at a time.
 */
import { pino } from 'pino'
import { ConfigError, readConfig } from './config.ts'
import { runMigrations } from './migrations/run.ts'
import { connectOnceThere, mongoClient } from './plugins/external/mongo.ts'

const log = pino({ name: 'migrate' })

try {
  const config = readConfig(process.env)
  const client = mongoClient(config)
  let isTold = false
  // MongoDB may still be starting.
  await connectOnceThere(client, {
    onFailure: (error) => {
      if (!isTold) log.info({ reason: error instanceof Error ? error.message : error }, 'waiting for MongoDB')
      isTold = true
    },
  })
  const ran = await runMigrations(client.db(config.mongodb.database), config.mongodb.usersCollection)
  log.info({ ran }, ran.length === 0 ? 'nothing to do' : 'done')
  await client.close()
} catch (error) {
  if (error instanceof ConfigError) log.fatal(`The environment cannot be used:\n${error.message}`)
  else log.fatal({ err: error }, 'the migration failed: it is repeated by starting it again')
  process.exitCode = 1
}
