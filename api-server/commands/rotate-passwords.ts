/**
 * `node rotate-passwords.js`: makes the managed databases accept exactly the passwords in their Secrets, then exits.
 * The operator runs it after a rotation adds passwords, and again after it removes the old ones.
 */
import { setTimeout } from 'node:timers/promises'
import type { RotatePasswordsEnvironment } from '@authservice-operator/contract/command-environments.ts'
import { adminUser } from '@authservice-operator/contract/database-secrets.ts'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { acceptUsers, refuseOthers } from './mongodb-users.ts'
import { acceptPasswords } from './redis-passwords.ts'
import { readMongoDbSecret, readRedisPasswords, untilRotation } from './secret-files.ts'

const log = pino({ name: 'rotate-passwords' })

const patienceMilliseconds = 180_000
/** Tolerates clock skew between nodes, unless it is extreme. */
const maxWaitMilliseconds = 300_000

try {
  // Variables are text; the operator sets those of this program.
  const environment = process.env as RotatePasswordsEnvironment
  const wait = Date.parse(environment.NOT_BEFORE ?? '') - Date.now()
  if (wait > 0) await setTimeout(Math.min(wait, maxWaitMilliseconds))
  await rotateMongoDb(environment)
  await rotateRedis(environment)
  log.info('the databases accept the passwords in their Secrets')
} catch (error) {
  log.fatal({ err: error }, 'some passwords could not be changed: run the command again to repeat it')
  process.exitCode = 1
}

async function rotateMongoDb(environment: RotatePasswordsEnvironment): Promise<void> {
  const { MONGODB_SECRET_DIRECTORY: directory, MONGODB_ROTATION: rotation, MONGODB_MEMBER: member } = environment
  if (directory === undefined || rotation === undefined || member === undefined) return
  await untilRotation(directory, rotation, patienceMilliseconds)
  const secret = readMongoDbSecret(directory)
  await using admin = new MongoClient(`mongodb://${member}`, {
    directConnection: true,
    serverSelectionTimeoutMS: 10_000,
    auth: { username: adminUser, password: secret.adminPassword },
    authSource: 'admin',
  })
  await acceptUsers(admin, environment.DATABASE_NAME ?? 'auth', secret)
  await refuseOthers(admin, secret)
}

async function rotateRedis(environment: RotatePasswordsEnvironment): Promise<void> {
  const { REDIS_SECRET_DIRECTORY: directory, REDIS_ROTATION: rotation, REDIS_HOST: host } = environment
  if (directory === undefined || rotation === undefined || host === undefined) return
  await untilRotation(directory, rotation, patienceMilliseconds)
  await acceptPasswords({ host, port: Number(environment.REDIS_PORT ?? 6379) }, readRedisPasswords(directory))
}
