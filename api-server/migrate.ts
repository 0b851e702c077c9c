/**
 * `node migrate.js [--dry-run] [--contract]`: makes the database ready for the servers of this version, then ends.
 * Waits for MongoDB; safe to run again, and to run twice at a time. `--dry-run` says what it would do and what is in
 * the way; `--contract` takes away what only servers of the last version needed, once they are gone.
 */
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { ConfigError, readConfig } from './config.ts'
import { MigrationRefused, runMigrations } from './migrations/run.ts'
import { connectOnceThere, mongoClient } from './plugins/external/mongo.ts'

const log = pino({ name: 'migrate' })

try {
  await main()
} catch (error) {
  if (error instanceof ConfigError) log.fatal(`The environment cannot be used:\n${error.message}`)
  else if (error instanceof MigrationRefused) log.fatal(`Nothing was changed. Mend this first:\n${error.message}`)
  else log.fatal({ err: error }, 'the migration failed: it is repeated by starting it again')
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: { 'dry-run': { type: 'boolean' }, contract: { type: 'boolean' } },
  })
  const config = readConfig(process.env)
  await using client = mongoClient(config, { socketTimeoutMS: 0 })
  let isTold = false
  // MongoDB may still be starting.
  await connectOnceThere(client, {
    onFailure: (error) => {
      if (!isTold) log.info({ reason: error instanceof Error ? error.message : error }, 'waiting for MongoDB')
      isTold = true
    },
  })
  const dryRun = options['dry-run'] === true
  const steps = await runMigrations(client.db(config.mongodb.database), config.mongodb.usersCollection, {
    phase: options.contract === true ? 'contract' : 'expand',
    dryRun,
  })
  for (const { id, summary } of steps) log.info(`${dryRun ? 'would run' : 'ran'} ${id}: ${summary}`)
  if (steps.length === 0) log.info('nothing to do')
}
