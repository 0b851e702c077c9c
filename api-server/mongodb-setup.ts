/**
 * `node mongodb-setup.js`: makes a fresh mongod a one-member replica set with its users, then ends.
 * Runs beside mongod in its pod, where the localhost exception lets the first user be made.
 * Safe to run at every start of the pod.
 * @see https://www.mongodb.com/docs/manual/core/localhost-exception/
 */
import { MongoClient, MongoServerError } from 'mongodb'
import { pino } from 'pino'
import { acceptUsers } from './administration/mongodb-users.ts'
import { readMongoDbSecret } from './administration/secret-files.ts'

const log = pino({ name: 'mongodb-setup' })
const settings = {
  url: required('MONGODB_SETUP_URL'),
  replicaSet: required('MONGODB_REPLICA_SET'),
  member: required('MONGODB_MEMBER_HOST'),
  database: required('DATABASE_NAME'),
  admin: required('MONGODB_ADMIN_USERNAME'),
  secret: readMongoDbSecret(required('MONGODB_SECRET_DIRECTORY')),
}

/** Codes of MongoDB's errors. @see https://www.mongodb.com/docs/manual/reference/error-codes/ */
const unauthorized = 13
const authenticationFailed = 18
const userExists = 51_003

await untilDone('mongod answers', async () => {
  await withClient(undefined, (client) => client.db('admin').command({ ping: 1 }))
})
await initiateReplicaSet()
await untilDone('this member is primary', async () => {
  await withClient(undefined, async (client) => {
    const { isWritablePrimary } = await client.db('admin').command({ hello: 1 })
    if (!isWritablePrimary) throw new Error('it is not yet')
  })
})
await makeUsers()
log.info('MongoDB is set up')

/** The administrator is made first, by the localhost exception, and makes the others. */
async function makeUsers(): Promise<void> {
  await withClient(undefined, async (client) => {
    const admin = {
      createUser: settings.admin,
      pwd: settings.secret.adminPassword,
      roles: [{ role: 'root', db: 'admin' }],
    }
    await unless([unauthorized, userExists], () => client.db('admin').command(admin))
  })
  const login = { username: settings.admin, password: settings.secret.adminPassword }
  await withClient(login, (client) => acceptUsers(client, settings.database, settings.secret))
}

async function initiateReplicaSet(): Promise<void> {
  const initiate = { replSetInitiate: { _id: settings.replicaSet, members: [{ _id: 0, host: settings.member }] } }
  // Done before: then it answers that it is initialized, or that nobody asks it without authentication any more.
  const alreadyInitialized = 23
  await untilDone('the replica set is initiated', () =>
    withClient(undefined, async (client) => {
      await unless([alreadyInitialized, unauthorized], () => client.db('admin').command(initiate))
    }),
  )
}

async function withClient(
  user: { username: string; password: string } | undefined,
  work: (client: MongoClient) => Promise<unknown>,
): Promise<void> {
  const client = new MongoClient(settings.url, {
    directConnection: true,
    serverSelectionTimeoutMS: 2_000,
    ...(user !== undefined && { auth: user, authSource: 'admin' }),
  })
  try {
    await work(client)
  } finally {
    await client.close()
  }
}

/** @returns whether it worked; false for the errors that mean it was done before */
async function unless(codes: readonly number[], work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof MongoServerError && codes.includes(Number(error.code))) return false
    throw error
  }
}

/** Tries until it works. A wrong password will not become right: that ends the program. */
async function untilDone(what: string, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof MongoServerError && error.code === authenticationFailed) throw error
      if (attempt % 10 === 1)
        log.info({ reason: error instanceof Error ? error.message : error }, `waiting until ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') {
    log.fatal(`${name} is not set`)
    process.exit(1)
  }
  return value
}
