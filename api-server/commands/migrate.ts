/**
 * `node migrate.js [--dry-run] [--contract]`: prepares the database for the servers of this version, then exits: with 0
 * on success, with 2 if data blocks it and a retry does not help, with 1 if a retry may help. Waits for MongoDB. Safe
 * to run again, and to run twice at the same time. `--dry-run` reports what it would do and what blocks it.
 * `--contract` removes what only servers of the previous version needed, after they are gone.
 */
import { parseArgs } from 'node:util'
import { refusedExitCode, reportFileVariable } from '@authservice-operator/contract/database-report.ts'
import { pino } from 'pino'
import { type Config, readConfig } from '../config/config.ts'
import { ConfigError } from '../config/read-environment.ts'
import { MigrationRefused, runMigrations } from '../migrations/run.ts'
import { connectWithRetry, migrationClient } from '../plugins/external/mongo.ts'
import { inspectMongoDb } from '../plugins/external/mongo-topology.ts'
import { redisClient } from '../plugins/external/redis.ts'
import { reportAnomalousUsers } from './anomalous-users.ts'
import { inspectRedis, writeRefusal, writeReport } from './database-report.ts'
import { ensureInitialAdmin } from './initial-admin.ts'

const log = pino({ name: 'migrate' })

/** The indexes do not need Redis: a report without it is better than a Job that never ends. */
const patienceWithRedisMilliseconds = 30_000

try {
  await main()
} catch (error) {
  if (error instanceof ConfigError) log.fatal(`The environment is invalid:\n${error.message}`)
  else if (error instanceof MigrationRefused) log.fatal(`Fix this first:\n${error.message}`)
  else log.fatal({ err: error }, 'the migration failed: run it again to repeat it')
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
  await connectWithRetry(client, {
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
  for (const line of await reportAnomalousUsers(db, config.mongodb.usersCollection, { dryRun }))
    log.warn(`irregular documents, which are not changed: ${line}`)
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
  // The report contains the error.
  redis.on('error', (error) => log.debug({ err: error }, 'waiting for Redis'))
  try {
    const report = await inspectRedis(redis, patienceWithRedisMilliseconds)
    if (report.failure !== undefined) {
      log.warn({ reason: report.failure }, 'Redis cannot be reached: servers with this configuration wait for it')
    }
    return report
  } finally {
    redis.disconnect()
  }
}
