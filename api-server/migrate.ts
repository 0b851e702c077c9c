/**
 * `node migrate.js [--dry-run] [--contract]`: makes the database ready for the servers of this version, then
 * ends: with 0, with 2 when the data is in the way and trying again helps nothing, with 1 when it may help.
 * Waits for MongoDB; safe to run again, and to run twice at a time. `--dry-run` says what it would do and what is in
 * the way; `--contract` takes away what only servers of the last version needed, once they are gone.
 */
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { type Config, ConfigError, readConfig } from './config.ts'
import {
  inspectMongoDb,
  inspectRedis,
  refusedExitCode,
  reportFileVariable,
  writeRefusal,
  writeReport,
} from './database-report.ts'
import { ensureInitialAdmin } from './initial-admin.ts'
import { MigrationRefused, runMigrations } from './migrations/run.ts'
import { connectOnceThere, migrationClient } from './plugins/external/mongo.ts'
import { redisClient } from './plugins/external/redis.ts'

const log = pino({ name: 'migrate' })

/** Redis is not needed for the indexes: a report without it is better than a Job that never ends. */
const patienceWithRedisMilliseconds = 30_000

try {
  await main()
} catch (error) {
  if (error instanceof ConfigError) log.fatal(`The environment cannot be used:\n${error.message}`)
  else if (error instanceof MigrationRefused) log.fatal(`Mend this first:\n${error.message}`)
  else log.fatal({ err: error }, 'the migration failed: it is repeated by starting it again')
  process.exitCode = 1
  if (error instanceof MigrationRefused) {
    process.exitCode = refusedExitCode
    const reportFile = process.env[reportFileVariable]
    if (reportFile !== undefined) await writeRefusal(reportFile, error.message)
  }
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: { 'dry-run': { type: 'boolean' }, contract: { type: 'boolean' } },
  })
  const config = readConfig(process.env)
  await using client = migrationClient(config)
  let isTold = false
  // MongoDB may still be starting.
  await connectOnceThere(client, {
    onFailure: (error) => {
      if (!isTold) log.info({ reason: error instanceof Error ? error.message : error }, 'waiting for MongoDB')
      isTold = true
    },
  })
  const dryRun = options['dry-run'] === true
  const db = client.db(config.mongodb.database)
  const mongodb = await inspectMongoDb(db)
  const steps = await runMigrations(db, config.mongodb.usersCollection, {
    phase: options.contract === true ? 'contract' : 'expand',
    dryRun,
  })
  for (const { id, summary } of steps) log.info(`${dryRun ? 'would run' : 'ran'} ${id}: ${summary}`)
  if (steps.length === 0) log.info('nothing to do')
  if (!dryRun && options.contract !== true) {
    const admin = await ensureInitialAdmin(db, config)
    if (admin !== undefined) log.info({ outcome: admin }, 'the administrator of INITIAL_ADMIN_EMAIL')
  }
  const reportFile = process.env[reportFileVariable]
  if (reportFile !== undefined) await writeReport(reportFile, { mongodb, redis: await askRedis(config) })
}

async function askRedis(config: Config) {
  const redis = redisClient(config)
  // What goes wrong shows in the report.
  redis.on('error', (error) => log.debug({ err: error }, 'waiting for Redis'))
  try {
    return await inspectRedis(redis, patienceWithRedisMilliseconds)
  } finally {
    redis.disconnect()
  }
}
