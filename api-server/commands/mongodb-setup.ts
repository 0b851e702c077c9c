/**
 * `node mongodb-setup.js`: turns a new mongod into a replica set with one member and its users, then exits. Runs next
 * to mongod in its pod, where the localhost exception allows it to create the first user, and where the key file allows
 * it to replace lost passwords. Safe to run at every start of the pod and at every change of the Secret.
 * @see https://www.mongodb.com/docs/manual/core/localhost-exception/
 */
import { readFileSync } from 'node:fs'
import type { MongoDbSetupEnvironment } from '@authservice-operator/contract/command-environments.ts'
import { MongoClient, MongoServerError } from 'mongodb'
import { pino } from 'pino'
import { acceptUsers } from './mongodb-users.ts'
import { readMongoDbSecret } from './secret-files.ts'

const log = pino({ name: 'mongodb-setup' })
const settings = {
  url: required('MONGODB_SETUP_URL'),
  replicaSet: required('MONGODB_REPLICA_SET'),
  member: required('MONGODB_MEMBER_HOST'),
  database: required('DATABASE_NAME'),
  admin: required('MONGODB_ADMIN_USERNAME'),
  secret: readMongoDbSecret(required('MONGODB_SECRET_DIRECTORY')),
  /** The key file of mongod. If unset, lost passwords cannot be replaced. */
  keyFile: process.env['MONGODB_KEY_FILE' satisfies keyof MongoDbSetupEnvironment],
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
    if (!isWritablePrimary) throw new Error('not yet')
  })
})
await makeUsers()
log.info('MongoDB is ready')

/** The localhost exception allows it to create the administrator, who then creates the other users. */
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
  const accept = () => withClient(login, (client) => acceptUsers(client, settings.database, settings.secret))
  try {
    await accept()
  } catch (error) {
    if (!isWrongPassword(error) || settings.keyFile === undefined) throw error
    log.warn(
      'the passwords in the Secret and in MongoDB differ: replacing those in MongoDB, whose data is not affected',
    )
    await replaceAdministrator(settings.keyFile)
    await accept()
  }
}

/**
 * Sets the administrator's password from the Secret, authenticated like a member of the replica set. Only the pod of
 * mongod can read the key file.
 * @see https://www.mongodb.com/docs/manual/reference/system-users-collection/
 */
async function replaceAdministrator(keyFile: string): Promise<void> {
  const member = { username: '__system', password: readFileSync(keyFile, 'utf8').replaceAll(/\s/g, '') }
  await withClient(
    member,
    (client) => client.db('admin').command({ updateUser: settings.admin, pwd: settings.secret.adminPassword }),
    'local',
  )
}

function isWrongPassword(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === authenticationFailed
}

async function initiateReplicaSet(): Promise<void> {
  const initiate = { replSetInitiate: { _id: settings.replicaSet, members: [{ _id: 0, host: settings.member }] } }
  // On a repetition, MongoDB answers that it is initialized or requires authentication.
  const alreadyInitialized = 23
  await untilDone('initiated the replica set', () =>
    withClient(undefined, async (client) => {
      await unless([alreadyInitialized, unauthorized], () => client.db('admin').command(initiate))
    }),
  )
}

async function withClient(
  user: { username: string; password: string } | undefined,
  work: (client: MongoClient) => Promise<unknown>,
  authSource = 'admin',
): Promise<void> {
  const client = new MongoClient(settings.url, {
    directConnection: true,
    serverSelectionTimeoutMS: 2_000,
    ...(user !== undefined && { auth: user, authSource }),
  })
  try {
    await work(client)
  } finally {
    await client.close()
  }
}

/** @returns whether it succeeded; false for errors that mean it was done before */
async function unless(codes: readonly number[], work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof MongoServerError && codes.includes(Number(error.code))) return false
    throw error
  }
}

/** Retries until it succeeds. A wrong password does not become right, so it ends the program. */
async function untilDone(what: string, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (isWrongPassword(error)) throw error
      if (attempt % 10 === 1)
        log.info({ reason: error instanceof Error ? error.message : error }, `waiting until ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}

function required(name: keyof MongoDbSetupEnvironment): string {
  const value = process.env[name]
  if (value === undefined || value === '') {
    log.fatal(`${name} is not set`)
    process.exit(1)
  }
  return value
}
