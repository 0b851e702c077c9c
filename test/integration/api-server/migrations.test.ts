import { createHash } from 'node:crypto'
import bcrypt from 'bcrypt'
import { BSON, type Db, type Document, MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, beforeEach, expect, inject, onTestFinished, test } from 'vitest'
import { duplicateEmails } from '../../../api-server/migrations/duplicate-emails.ts'
import { emailCollation } from '../../../api-server/migrations/email-collation.ts'
import {
  type MigrationOptions,
  MigrationRefused,
  missingMigrations,
  runMigrations,
} from '../../../api-server/migrations/run.ts'
import { type Migration, migrations } from '../../../api-server/migrations/steps.ts'
import { freshDatabase, password, startApp } from './app-for-test.ts'
import { runProgram } from './run-program.ts'

const collection = 'accounts'
const expandIds = migrations.filter(({ phase }) => phase === 'expand').map(({ id }) => id)

let client: MongoClient
let db: Db

beforeAll(() => {
  client = new MongoClient(inject('mongoUrl'))
})
beforeEach(() => {
  db = client.db(freshDatabase())
})
afterAll(() => client.close())

/** Users and indexes that another program has written over the years. */
async function otherProgramsUsers(count: number): Promise<void> {
  const hash = (await bcrypt.hash(password, 10)).replace('$2b$', '$2a$')
  const users = db.collection(collection)
  await users.createIndex({ email: 1 }, { unique: true })
  await users.createIndex({ last_login: 1 })
  const day = (index: number) => new Date(Date.UTC(2020, 0, 1 + (index % 1_000)))
  await users.insertMany(
    Array.from({ length: count }, (_, index) => ({
      email: mixedCase(`User.${index}@Example.com`, index),
      password_hash: hash,
      name: `User ${index}`,
      role: index % 100 === 0 ? 'admin' : 'user',
      is_active: index % 50 !== 7,
      created_at: day(index),
      updated_at: day(index + 1),
      ...(index % 3 !== 0 && { last_login: day(index + 2) }),
    })),
  )
}

function mixedCase(email: string, index: number): string {
  return [email, email.toLowerCase(), email.toUpperCase()][index % 3] ?? email
}

/** A digest of all documents of the collection. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  for await (const document of db.collection(collection).find().sort({ _id: 1 })) hash.update(BSON.serialize(document))
  return hash.digest('hex')
}

async function indexNames(): Promise<string[]> {
  return (await db.collection(collection).indexes()).map(({ name }) => name ?? '').sort()
}

async function collectionNames(): Promise<string[]> {
  return (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).sort()
}

const run = (options: MigrationOptions = {}) =>
  runMigrations(db, collection, options).then((steps) => steps.map(({ id }) => id))

test('10,000 users of another program stay unchanged, get their indexes, and log in with an email of any case', async () => {
  await otherProgramsUsers(10_000)
  const before = await fingerprint()
  expect(await run({ dryRun: true })).toEqual(expandIds)
  expect(await collectionNames()).toEqual([collection])

  // Two concurrent runs: each step runs once.
  const ran = await Promise.all([run(), run()])
  expect(ran.flat().sort()).toEqual([...expandIds].sort())
  expect(await run()).toEqual([])
  expect(await missingMigrations(db, collection)).toEqual([])

  expect(await fingerprint()).toBe(before)
  // Its index of last_login serves as ours, so no other one is created.
  expect(await indexNames()).toEqual(['_id_', 'admins', 'created_at', 'email_1', 'email_unique', 'last_login_1'])

  const server = await startApp({ DATABASE_NAME: db.databaseName, COLLECTION_NAME: collection })
  onTestFinished(() => server.close())
  for (const index of [3, 4, 5]) {
    const login = await server.post('/v1/auth/login', { email: `uSER.${index}@exAMPLE.com`, password })
    expect(login).toMatchObject({ status: 200, body: { user: { name: `User ${index}` } } })
  }
  const taken = await server.post('/v1/auth/register', { email: 'user.4711@example.com', password, name: 'Again' })
  expect(taken).toMatchObject({ status: 409, body: { code: 'email_taken' } })
})

test('servers accept a unique email index of another program, whatever its name', async () => {
  const users = db.collection(collection)
  await users.createIndex({ email: 1 }, { name: 'theirs', unique: true, collation: emailCollation })
  expect(await run()).toEqual(expandIds)
  expect(await indexNames()).not.toContain('email_unique')
  expect(await missingMigrations(db, collection)).toEqual([])
  expect(await run()).toEqual([])
  // A case-sensitive index is no substitute.
  await users.dropIndex('theirs')
  await users.createIndex({ email: 1 }, { unique: true })
  expect(await missingMigrations(db, collection)).toEqual(['001-users'])
})

test('emails that differ only in case are reported with both ids, and nothing changes', async () => {
  await otherProgramsUsers(100)
  const first = await db.collection(collection).findOne({ name: 'User 42' })
  const second = { _id: new ObjectId(), email: 'USER.42@EXAMPLE.com', name: 'Another' }
  await db.collection(collection).insertOne(second)
  const [before, indexes] = [await fingerprint(), await indexNames()]

  for (const options of [{ dryRun: true }, {}]) {
    const refusal: unknown = await run(options).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(MigrationRefused)
    const message = String(refusal)
    expect(message).toContain('001-users: 2 users have the same email')
    for (const { _id } of [first ?? second, second]) expect(message).toContain(String(_id))
    expect(message).not.toMatch(/@example/i)
  }
  expect(await fingerprint()).toBe(before)
  expect(await indexNames()).toEqual(indexes)
  expect((await collectionNames()).filter((name) => !['locks', collection].includes(name))).toEqual([])

  await db.collection(collection).deleteOne({ _id: second._id })
  expect(await run()).toEqual(expandIds)
})

test('anomalous documents are reported by id at every dry run and at the first run, and stay unchanged', async () => {
  const _id = new ObjectId()
  const secret = `$2x$10$${'a'.repeat(53)}`
  const email = ' strange@example.com'
  await db.collection<Document>(collection).insertOne({ _id, email, password_hash: secret, is_active: 'no' })
  const before = await fingerprint()
  const migrate = (...given: string[]) =>
    runProgram('commands/migrate.ts', given, {
      DATABASE_NAME: db.databaseName,
      COLLECTION_NAME: collection,
      REDIS_HOST: inject('redis').host,
      REDIS_PORT: String(inject('redis').port),
    })
  for (const given of [['--dry-run'], [], ['--dry-run']]) {
    const { code, output } = await migrate(...given)
    expect(code, output).toBe(0)
    for (const what of ['email contains white space', 'password_hash is not', 'is_active is neither'])
      expect(output).toMatch(new RegExp(`1 user: ${what}[^"]*: ${_id}`))
    expect(output).not.toContain('strange@')
    expect(output).not.toContain(secret)
  }
  expect((await migrate()).output).not.toContain('irregular documents')
  expect(await fingerprint()).toBe(before)
})

test('users without an email are reported', async () => {
  await db.collection(collection).insertMany([{ name: 'A' }, { name: 'B' }, { name: 'C', email: null }])
  await expect(run()).rejects.toThrow(/3 users have no email: /)
})

test('another collection of users gets its indexes too', async () => {
  await run()
  expect((await runMigrations(db, 'other')).map(({ id }) => id)).toEqual(['001-users', '013-admins'])
  expect(await missingMigrations(db, 'third')).toEqual(['001-users', '013-admins'])
})

test('the contract phase runs only on request', async () => {
  const ran: string[] = []
  const step = (id: string, phase: Migration['phase']): Migration => ({
    id,
    phase,
    summary: id,
    up: async () => {
      ran.push(id)
    },
  })
  const steps = [step('1-expand', 'expand'), step('2-contract', 'contract'), step('3-expand', 'expand')]
  expect(await run({ steps })).toEqual(['1-expand', '3-expand'])
  expect(await run({ steps, phase: 'contract', dryRun: true })).toEqual(['2-contract'])
  expect(ran).toEqual(['1-expand', '3-expand'])
  expect(await run({ steps, phase: 'contract' })).toEqual(['2-contract'])
  expect(await run({ steps, phase: 'contract' })).toEqual([])
  expect(ran).toEqual(['1-expand', '3-expand', '2-contract'])
})

test('a version that does not know a contraction is refused once it has begun; one that knows it runs', async () => {
  const steps = (up: () => Promise<void>): Migration[] => [
    { id: '1-expand', phase: 'expand', summary: '', up: async () => undefined },
    { id: '2-contract', phase: 'contract', summary: '', up },
  ]
  const older = steps(async () => undefined).slice(0, 1)
  await run({ steps: older })
  await expect(
    run({ steps: steps(() => Promise.reject(new Error('the node went away'))), phase: 'contract' }),
  ).rejects.toThrow('the node went away')
  for (const dryRun of [true, false])
    await expect(run({ steps: older, dryRun })).rejects.toThrow(
      /^This version is too old for the database: .*\(2-contract\)/,
    )
  expect(await run({ steps: steps(async () => undefined), phase: 'contract' }), 'it runs again').toEqual(['2-contract'])
  expect(await run({ steps: steps(async () => undefined) })).toEqual([])
  await expect(run({ steps: older })).rejects.toThrow(MigrationRefused)
})

test('a duplicate that is inserted during the index build is reported by ids, not by email', async () => {
  const users = db.collection(collection)
  const email = 'late@example.com'
  await users.insertOne({ email })
  const unique: Migration = {
    id: '1-unique',
    phase: 'expand',
    summary: '',
    problems: (database, name) => duplicateEmails(database.collection(name)),
    up: async () => {
      await users.insertOne({ email })
      await users.createIndex({ email: 1 }, { unique: true })
    },
  }
  const refusal = String(await run({ steps: [unique] }).catch((error: unknown) => error))
  expect(refusal).toMatch(/^MigrationRefused: 1-unique: 2 users have the same email/)
  expect(refusal).not.toContain(email)
})

test('a failed step is repeated by the next run, and the lock is free again', async () => {
  let isBroken = true
  const ran: string[] = []
  const step = (id: string): Migration => ({
    id,
    phase: 'expand',
    summary: id,
    up: async () => {
      if (id === 'second' && isBroken) throw new Error('the disk is full')
      ran.push(id)
    },
  })
  const steps = [step('first'), step('second')]
  await expect(run({ steps })).rejects.toThrow('the disk is full')
  isBroken = false
  expect(await run({ steps })).toEqual(['second'])
  expect(ran).toEqual(['first', 'second'])
})

test('the lock of a dead runner is taken over after its time, a live one is waited for', async () => {
  const locks = db.collection<{ _id: string; owner: string; until: Date }>('locks')
  await locks.insertOne({ _id: 'migrations', owner: 'dead', until: new Date(Date.now() - 1_000) })
  expect(await run()).toEqual(expandIds)

  await locks.insertOne({ _id: 'migrations', owner: 'alive', until: new Date(Date.now() + 60_000) })
  const other = db.collection('migrations')
  await other.deleteMany({})
  const waiting = run()
  // It retries to take the lock; while another runner holds it, nothing is recorded.
  await expect.poll(() => lockAttempts(db)).toBeGreaterThan(2)
  expect(await other.countDocuments()).toBe(0)
  await locks.deleteOne({ _id: 'migrations' })
  expect(await waiting).toEqual(expandIds)
})

/** The number of attempts to insert into `locks`, by MongoDB's command counters. */
async function lockAttempts(database: Db): Promise<number> {
  const stats = await database
    .collection('locks')
    .aggregate([{ $collStats: { latencyStats: {} } }])
    .toArray()
  return Number(stats[0]?.['latencyStats']?.['writes']?.['ops'] ?? 0)
}

test('migrate.js prints what it would do, does it, and fails with what to correct', async () => {
  const migrate = (...options: string[]) =>
    runProgram('commands/migrate.ts', options, { DATABASE_NAME: db.databaseName, COLLECTION_NAME: collection })
  await db.collection(collection).insertMany([{ email: 'a@example.com' }, { email: 'A@example.com' }])
  const refused = await migrate()
  expect(refused).toMatchObject({ code: 2, output: expect.stringContaining('Fix this first:') })
  await db.collection(collection).deleteOne({ email: 'A@example.com' })
  expect(await migrate('--dry-run')).toMatchObject({ code: 0, output: expect.stringContaining('would run 001-users') })
  expect(await migrate()).toMatchObject({ code: 0, output: expect.stringContaining('ran 001-users') })
  expect(await migrate('--contract')).toMatchObject({ code: 0, output: expect.stringContaining('nothing to do') })
})
