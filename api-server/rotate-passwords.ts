/**
 * `node rotate-passwords.js`: makes the managed databases accept exactly the passwords of their Secrets, then ends.
 * The operator runs it when a rotation adds passwords, and again when it takes the old ones away.
 */
import { setTimeout } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { acceptUsers, refuseOthers } from './administration/mongodb-users.ts'
import { acceptPasswords } from './administration/redis-passwords.ts'
import { readMongoDbSecret, readRedisPasswords, untilRotation } from './administration/secret-files.ts'

const log = pino({ name: 'rotate-passwords' })

/** Variables of this program. `NOT_BEFORE`: until then a database that starts may read the Secret of before. One database or both. `*_ROTATION` is what the mounted Secret must be of. */
export interface RotatePasswordsEnvironment {
  NOT_BEFORE?: string
  MONGODB_SECRET_DIRECTORY?: string
  MONGODB_ROTATION?: string
  /** `host:port` of the only member. */
  MONGODB_MEMBER?: string
  DATABASE_NAME?: string
  REDIS_SECRET_DIRECTORY?: string
  REDIS_ROTATION?: string
  REDIS_HOST?: string
  REDIS_PORT?: string
}

const patienceMilliseconds = 180_000
/** Clocks of nodes differ; this one would have to be far off. */
const mostWaitMilliseconds = 300_000

try {
  // Variables are text; those of this program are the operator's to set.
  const environment = process.env as RotatePasswordsEnvironment
  const wait = Date.parse(environment.NOT_BEFORE ?? '') - Date.now()
  if (wait > 0) await setTimeout(Math.min(wait, mostWaitMilliseconds))
  await rotateMongoDb(environment)
  await rotateRedis(environment)
  log.info('the databases accept the passwords of their Secrets')
} catch (error) {
  log.fatal({ err: error }, 'the passwords were not all taken: it is repeated by starting it again')
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
    auth: { username: 'admin', password: secret.adminPassword },
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
