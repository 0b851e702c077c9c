import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Db, MongoClient } from 'mongodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { migrations } from '../../../api-server/migrations/steps.ts'
import { adminUser, appUsers, secretKeys } from '../../../contract/database-secrets.ts'
import {
  type BackupEnvironment,
  backupScript,
  neverRestored,
} from '../../../operator/authservice/resources/jobs/backup-script.ts'
import { replicaSet } from '../../../operator/authservice/secrets/names.ts'
import { mongoToolsDirectory } from '../../../tools/local-servers/binaries.ts'
import { startMongo, type TestMongo } from '../../../tools/local-servers/mongo.ts'

const mongoUrl = inject('mongoUrl')
const databaseName = `backup_${Date.now()}`
let tools: string
let client: MongoClient
let database: Db
let folder: string

beforeAll(async () => {
  tools = await mongoToolsDirectory()
  client = await MongoClient.connect(mongoUrl)
  database = client.db(databaseName)
})
afterAll(async () => {
  await client.close()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-backup-'))
  for (const { up } of migrations) await up(database, 'users')
  await database.collection('users').insertMany(users.map((user) => ({ ...user })))
})
afterEach(async () => {
  await database.dropDatabase()
  await rm(folder, { recursive: true })
})

const users = Array.from({ length: 1_200 }, (_, index) => ({
  email: `user-${index}@example.com`,
  password_hash: `$2b$12$${'x'.repeat(53)}`,
  name: index % 2 ? 'Zoë' : "O'Brien",
  role: 'user',
  is_active: true,
  created_at: new Date(index * 1000),
}))

interface Run {
  code: number
  /** The termination message of the container. */
  result: string
  log: string
}

/** Runs the script as the container does, with this machine's MongoDB. */
async function run(programArguments: string[], changes: Partial<BackupEnvironment> = {}, url = mongoUrl): Promise<Run> {
  await writeFile(join(folder, 'url'), url)
  const environment: BackupEnvironment = {
    AUTHSERVICE_NAME: 'accounts',
    MONGODB_URL_FILE: join(folder, 'url'),
    DATABASE_NAME: databaseName,
    COLLECTION_NAME: 'users',
    BACKUP_KEEP: '3',
    BACKUP_DIRECTORY: join(folder, 'volume'),
    RESULT_FILE: join(folder, 'result'),
    ...changes,
  }
  const env = { ...environment, PATH: [tools, process.env['PATH']].join(delimiter) }
  const { code, log } = await new Promise<{ code: number; log: string }>((recordAttempt) => {
    const child = execFile('sh', ['-c', backupScript, 'backup', ...programArguments], { env }, (_, stdout, stderr) =>
      recordAttempt({ code: child.exitCode ?? -1, log: `${stdout}${stderr}` }),
    )
  })
  return { code, log, result: (await readFile(join(folder, 'result'), 'utf8')).trim() }
}

const files = async (ending = '.archive.gz') =>
  (await readdir(join(folder, 'volume/accounts'))).filter((file) => file.endsWith(ending)).sort()

async function backUp(): Promise<string> {
  const { code, result, log } = await run(['backup'])
  expect(code, log).toBe(0)
  const file = /^Wrote (\S+), \d+ bytes\.$/.exec(result)?.[1]
  if (file === undefined) throw new Error(`the result names no file: ${result}`)
  return file
}

test('a restore brings back every user and every index', async () => {
  const everything = async () => ({
    users: await database.collection('users').find().sort({ email: 1 }).toArray(),
    indexes: (await database.collection('users').indexes()).sort((one, other) =>
      `${one.name}` < `${other.name}` ? -1 : 1,
    ),
  })
  const before = await everything()
  const file = await backUp()
  await database.collection('users').drop()
  await database.collection('users').insertOne({ email: 'late@example.com' })

  const { code, result, log } = await run(['restore', file])
  expect(code, log).toBe(0)
  expect(result).toMatch(new RegExp(`^Restored ${file}: 1200 document\\(s\\) restored successfully`))
  expect(await everything()).toEqual(before)
})

test('a restore can be undone with the backup that it has made', async () => {
  const file = await backUp()
  await database.collection('users').insertOne({ email: 'late@example.com' })
  const { result } = await run(['restore', file])
  expect(await database.collection('users').countDocuments({ email: 'late@example.com' })).toBe(0)

  const before = /The previous data is in (\S+)\.( |$)/.exec(result)?.[1] ?? ''
  await run(['restore', before])
  expect(await database.collection('users').countDocuments({ email: 'late@example.com' })).toBe(1)
})

test('sessions and revocations are not restored, so a user who was locked out since the backup stays locked out', async () => {
  const sessions = database.collection('sessions')
  await sessions.insertOne({ userId: 'mallory', current: { hash: 'stolen' } })
  const file = await backUp()
  await sessions.deleteMany({})
  await database.collection('revocations').insertOne({ sid: 'stolen', expiresAt: new Date(Date.now() + 3_600_000) })

  expect((await run(['restore', file])).code).toBe(0)
  expect(await sessions.countDocuments()).toBe(0)
  expect(await database.collection('revocations').countDocuments()).toBe(1)
})

test('a restore says that second factors are those of the backup', async () => {
  const factors = database.collection<{ _id: string; factors: { id: string }[] }>('second_factors')
  const removed = { _id: 'user', factors: [{ id: 'lost phone' }] }
  await factors.insertOne(removed)
  const file = await backUp()
  await factors.deleteMany({})
  await database.collection('mfa_challenges').insertOne({ purpose: 'login' })

  const { code, result } = await run(['restore', file])
  expect(code).toBe(0)
  expect(result).toMatch(/Second factors are those of the backup: those removed since then are valid again/)
  expect(await factors.find().toArray()).toEqual([removed])
  expect(await database.collection('mfa_challenges').countDocuments()).toBe(1)
})

test('every collection of the server is either restored or excluded on purpose', async () => {
  const restored = ['users', 'verified_emails', 'second_factors', 'identities', 'user_claims']
  const collections = (await database.listCollections().toArray()).map(({ name }) => name)
  const decided: string[] = [...restored, ...neverRestored]
  expect(
    collections.filter((name) => !decided.includes(name)),
    'add it to neverRestored, or to this list',
  ).toEqual([])
})

test('the newest backups are kept, and those of other AuthServices are not touched', async () => {
  const first = await backUp()
  const volume = join(folder, 'volume/accounts')
  for (const old of ['20200101T000000Z', '20200102T000000Z', '20200103T000000Z', 'before-restore-20200101T000000Z']) {
    await writeFile(join(volume, `${old}.archive.gz`), '')
  }
  await rm(join(volume, first))
  const newest = await backUp()
  expect(await files()).toEqual([
    '20200102T000000Z.archive.gz',
    '20200103T000000Z.archive.gz',
    newest,
    'before-restore-20200101T000000Z.archive.gz',
  ])
})

test('list prints every backup with its size', async () => {
  expect(await run(['list'])).toMatchObject({ code: 0, result: '' })
  const file = await backUp()
  expect((await run(['list'])).result).toMatch(new RegExp(`^${file} [1-9]\\d+$`))
})

test('without a database a backup fails with the reason, and leaves no file', async () => {
  const unreachable = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500&connectTimeoutMS=500'
  const { code, result } = await run(['backup'], {}, unreachable)
  expect(code).toBe(1)
  expect(result).toMatch(/^mongodump failed: .+/)
  expect([...(await files()), ...(await files('.partial'))]).toEqual([])
})

test('a backup without users fails, so that it does not replace good ones', async () => {
  const file = await backUp()
  const { code, result } = await run(['backup'], { COLLECTION_NAME: 'people', BACKUP_KEEP: '1' })
  expect({ code, result }).toEqual({
    code: 1,
    result: `There is no collection people in database ${databaseName}: the dump was discarded.`,
  })
  expect([...(await files()), ...(await files('.partial'))]).toEqual([file])
})

test.each(['missing.archive.gz', '../accounts', ''])('restoring %j is refused', async (name) => {
  await backUp()
  const { code, result } = await run(['restore', name])
  expect(code).toBe(1)
  expect(result).toMatch(/^There is no backup|is not the name of a backup/)
})

test('a damaged backup is refused before anything is dropped', async () => {
  const file = await backUp()
  await truncate(join(folder, 'volume/accounts', file), 2_000)
  const { code, result } = await run(['restore', file])
  expect(code).toBe(1)
  expect(result).toMatch(/is damaged: /)
  expect(await database.collection('users').countDocuments()).toBe(users.length)
})

test.each([
  ['admin', ''],
  ['elsewhere', '/elsewhere'],
])('a user of the database %s can back up with a URL with the path %j', async (keptIn, path) => {
  const user = `backup-${Date.now()}`
  const roles = [{ role: 'readWrite', db: databaseName }]
  await client.db(keptIn).command({ createUser: user, pwd: "p'w d", roles })
  try {
    const url = mongoUrl.replace('mongodb://', `mongodb://${user}:p'w%20d@`).replace('/?', `${path || '/'}?`)
    const { code, log } = await run(['backup'], {}, url)
    expect(code, log).toBe(0)
    expect(log).not.toContain("p'w")
  } finally {
    await client.db(keptIn).command({ dropUser: user })
  }
})

describe('with the restricted users of a managed MongoDB', () => {
  let secured: TestMongo
  let secrets: string
  const password = 'app-password'

  /** As in the pod: mongod with a key file, then the program that sets it up. */
  beforeAll(async () => {
    secrets = await mkdtemp(join(tmpdir(), 'authservice-backup-secrets-'))
    const passwords = { [secretKeys.adminPassword]: 'admin-password', [secretKeys.appPassword]: password }
    const files = { keyfile: randomBytes(96).toString('base64'), ...passwords }
    for (const [file, content] of Object.entries(files)) {
      await writeFile(join(secrets, file), content, { mode: 0o400 })
    }
    secured = await startMongo({ keyFile: join(secrets, 'keyfile') })
    const env = {
      ...process.env,
      MONGODB_SETUP_URL: `mongodb://127.0.0.1:${secured.port}`,
      MONGODB_REPLICA_SET: replicaSet,
      MONGODB_MEMBER_HOST: `127.0.0.1:${secured.port}`,
      MONGODB_ADMIN_USERNAME: adminUser,
      MONGODB_SECRET_DIRECTORY: secrets,
      DATABASE_NAME: databaseName,
    }
    const setup = resolve(import.meta.dirname, '../../../api-server/commands/mongodb-setup.ts')
    await promisify(execFile)(process.execPath, [setup], { env })
  })
  afterAll(async () => {
    await secured.remove()
    await rm(secrets, { recursive: true })
  })

  test('the script backs up and restores', async () => {
    const url = `mongodb://${appUsers[0]}:${password}@127.0.0.1:${secured.port}/${databaseName}?replicaSet=${replicaSet}&authSource=admin`
    await using connection = await MongoClient.connect(url)
    const collection = connection.db(databaseName).collection('users')
    for (const { up } of migrations) await up(connection.db(databaseName), 'users')
    await collection.insertMany(users.map((user) => ({ ...user })))

    const backup = await run(['backup'], {}, url)
    expect(backup.code, backup.log).toBe(0)
    await collection.deleteMany({})
    const restored = await run(['restore', (await files())[0] ?? ''], {}, url)
    expect(restored.code, restored.log).toBe(0)
    expect(await collection.countDocuments()).toBe(users.length)
    expect((await collection.indexes()).map(({ name }) => name)).toContain('email_unique')
  })
})
