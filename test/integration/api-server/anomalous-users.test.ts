import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import bcrypt from 'bcrypt'
import fc from 'fast-check'
import {
  Binary,
  BSON,
  Code,
  Decimal128,
  type Document,
  Long,
  MaxKey,
  MinKey,
  MongoClient,
  ObjectId,
  Timestamp,
  UUID,
} from 'mongodb'
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest'
import { anomalousUsers } from '../../../api-server/commands/anomalous-users.ts'
import { anomaliesOf } from '../../../api-server/plugins/app/users/anomalies.ts'
import {
  type Answer,
  type AppForTest,
  freshDatabase,
  type LoggedIn,
  logIn,
  logInAsAdmin,
  password,
  startApp,
  tokensOf,
} from './app-for-test.ts'

const secret = 'the secret of a client in a test, long enough'
let server: AppForTest
let admin: LoggedIn
let neighbour: LoggedIn
let hash: string

beforeAll(async () => {
  const OAUTH_CLIENTS = `gateway:${createHash('sha256').update(secret).digest('hex')}`
  server = await startApp({ OAUTH_CLIENTS, RATE_LIMIT_RESET: '100000/s', RATE_LIMIT_ADMIN: '100000/s' })
  admin = await logInAsAdmin(server, 'admin@example.com')
  neighbour = await logIn(server, 'neighbour@example.com')
  hash = await bcrypt.hash(password, 10)
})

afterAll(() => server.close())

function users() {
  // Other programs may write anything.
  return server.app.mongo.db.collection<Document>(server.config.mongodb.usersCollection)
}

let count = 0

/** A valid user, except for the given fields. */
async function insert(strange: Document): Promise<{ email: string; _id: unknown }> {
  const email = `strange${count++}@example.com`
  const now = new Date()
  const document = {
    _id: new ObjectId(),
    email,
    password_hash: hash,
    name: 'Strange',
    role: 'user',
    is_active: true,
    created_at: now,
    updated_at: now,
    last_login: now,
    ...strange,
  }
  await users().insertOne(document)
  return { email, _id: document._id }
}

const attempt = (email: string) => server.post('/v1/auth/login', { email, password })

test.each<[string, Document, Document]>([
  ['created_at is text', { created_at: '2021-03-04' }, { created_at: '2021-03-04T00:00:00.000Z' }],
  ['created_at is in seconds', { created_at: 1_614_816_000 }, { created_at: '2021-03-04T00:00:00.000Z' }],
  ['created_at is in milliseconds', { created_at: 1_614_816_000_000 }, { created_at: '2021-03-04T00:00:00.000Z' }],
  ['created_at is no time', { _id: 'text', created_at: 'yesterday' }, { created_at: null }],
  ['last_login is text', { last_login: 'never' }, {}],
  ['the _id is a text', { _id: 'user-1' }, { id: '~InVzZXItMSI' }],
  ['the _id is a text like an ObjectId', { _id: 'a'.repeat(24) }, {}],
  ['the _id is an email', { _id: 'someone@example.com' }, {}],
  ['the _id is a number', { _id: 4_711 }, {}],
  ['the _id is a UUID', { _id: new UUID() }, {}],
  ['the _id is a document', { _id: { tenant: 'a', number: Long.fromString('9007199254740993') } }, {}],
  ['the name is a number', { name: 7 }, { name: '' }],
  ['the name is missing', { name: undefined }, { name: '' }],
  ['the role is a list', { role: ['admin'] }, { role: 'user' }],
  ['is_active is 1', { is_active: 1 }, {}],
  ['is_active is missing', { is_active: undefined }, {}],
])('a user with an anomalous document logs in and can do what other users can: %s', async (_what, strange, shown) => {
  const given = Object.fromEntries(Object.entries(strange).filter(([, value]) => value !== undefined))
  const { email, _id } = await insert(given)
  const missing = Object.keys(strange).filter((key) => strange[key] === undefined)
  for (const field of missing) await users().updateOne({ email }, { $unset: { [field]: 1 } })

  const login = await attempt(email)
  expect(login).toMatchObject({ status: 200, body: { user: { email, ...shown } } })
  const { bearer, refreshToken } = tokensOf(login.body)
  const me = await server.get('/v1/me', bearer)
  expect(me).toMatchObject({ status: 200, body: { email, ...shown } })
  expect((await server.get('/v1/me/sessions', bearer)).body['sessions']).toHaveLength(1)
  expect((await server.post('/v1/auth/refresh', { refresh_token: refreshToken })).status).toBe(200)

  const path = `/v1/admin/users/${me.body['id']}`
  expect((await server.get(path, admin.bearer)).body).toMatchObject({ email, is_active: true })
  expect((await server.patch(path, { name: 'Renamed' }, admin.bearer)).body).toMatchObject({ name: 'Renamed' })
  const change = { current_password: password, new_password: 'a new horse battery' }
  expect((await server.post('/v1/auth/password/change', change, bearer)).status).toBe(204)
  expect((await server.get('/v1/me', bearer)).status).toBe(401)
  expect((await server.post(`${path}/disable`, {}, admin.bearer)).status).toBe(204)
  expect((await attempt(email)).status).toBe(401)
  const stored = await users().findOne({ email })
  expect(stored?.['_id']).toEqual(_id)
  const nine = ['_id', 'email', 'password_hash', 'name', 'role', 'is_active', 'created_at', 'updated_at', 'last_login']
  expect(nine).toEqual(expect.arrayContaining(Object.keys(stored ?? {})))
  expect((await server.delete(path, admin.bearer)).status).toBe(204)
})

test.each([[false], [0], ['false'], [null], [''], ['no'], [Number.NaN], [[true]], [{}], [2]])(
  'a user whose is_active is %j cannot log in, and an administrator sees why',
  async (is_active) => {
    const { email, _id } = await insert({ is_active })
    expect((await attempt(email)).status).toBe(401)
    const shown = await server.get(`/v1/admin/users/${_id}`, admin.bearer)
    expect(shown.body).toMatchObject({ email, is_active: false })
    expect((await server.post(`/v1/admin/users/${_id}/enable`, {}, admin.bearer)).status).toBe(204)
    expect((await attempt(email)).status).toBe(200)
  },
)

test.each(['admin@localhost', 'olduser', '<old@example.com', 'Old.User@Example.com', 'x'.repeat(70)])(
  'a user of another program logs in, whatever the email looks like: %s',
  async (email) => {
    await insert({ email })
    for (const typed of [email, email.toUpperCase(), ` ${email}\n`]) expect((await attempt(typed)).status).toBe(200)
  },
)

test.each([
  ['a hash of a cost that takes a day', `$2b$31$${'a'.repeat(53)}`],
  ['a hash of the broken bcrypt', `$2x$10$${'a'.repeat(53)}`],
  ['a hash with a line break behind it', `$2b$10$${'a'.repeat(53)}\n`],
  ['a binary hash', new Binary(Buffer.from('$2b$10$'))],
])('%s matches no password, delays no other login, and a reset replaces it', async (_what, password_hash) => {
  const { email, _id } = await insert({ password_hash })
  expect((await attempt(email)).status).toBe(401)
  const about = { purpose: 'reset_password', userId: new ObjectId(String(_id)), email, version: 0 } as const
  const token = await server.app.oneTimeTokens.issue(about, new Date())
  const reset = await server.post('/v1/auth/password/reset', { token, new_password: password })
  expect(reset.status).toBe(204)
  expect((await attempt(email)).status).toBe(200)
})

const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, 1, Number.NaN, Number.POSITIVE_INFINITY, -0, '', 'admin', 'true'),
  fc.constantFrom(new MinKey(), new MaxKey(), new Code('x'), /x/i, new Timestamp({ t: 1, i: 2 })),
  fc.constantFrom(Decimal128.fromString('1E+6144'), Decimal128.fromString('1'), Long.MAX_VALUE, Long.MIN_VALUE),
  fc.constantFrom(new Date(8.64e15), new Date(-8.64e15), new ObjectId(), new UUID(), new Binary(Buffer.from('x'))),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed()),
  fc.integer(),
  fc.double(),
  fc.constant('x'.repeat(20_000)),
  fc.array(fc.constantFrom('user@example.com', 'admin', 1, null), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('a', '$gt', '1', '__proto__', 'toString', 'toISOString'), fc.constantFrom(1, 'x')),
)

/** MongoDB accepts neither arrays, regular expressions nor operators as an `_id`. */
const anyId = anything.filter(
  (value) => !Array.isArray(value) && !(value instanceof RegExp) && !JSON.stringify(value ?? '').includes('$gt'),
)

const strangeDocument = fc.record(
  {
    _id: anyId,
    email: anything,
    password_hash: anything,
    name: anything,
    role: anything,
    is_active: anything,
    created_at: anything,
    updated_at: anything,
    last_login: anything,
  },
  { requiredKeys: [] },
)

/** No list contains them: MongoDB's index cannot tell them from strings. */
function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string')
}

/** The driver writes UTF-8 only, so this sends MongoDB an OP_MSG with one update whose name is invalid. */
async function writeNoUtf8(email: string, name: string): Promise<void> {
  const { usersCollection, database } = server.config.mongodb
  const updates = [{ q: { email }, u: { $set: { name } } }]
  const command = Buffer.from(BSON.serialize({ update: usersCollection, updates, $db: database }))
  command[command.indexOf(name)] = 0xff
  const header = Buffer.alloc(21)
  header.writeInt32LE(header.length + command.length, 0)
  header.writeInt32LE(2013, 12)
  const { hostname, port } = new URL(inject('mongoUrl'))
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(Buffer.concat([header, command]))
  const [reply]: Buffer[] = await once(socket, 'data')
  if (reply === undefined) throw new Error('MongoDB did not answer')
  expect(BSON.deserialize(reply.subarray(21))).toMatchObject({ ok: 1, nModified: 1 })
}

async function everyPage(query = ''): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let cursor = ''; ; ) {
    const answer = await server.get(`/v1/admin/users?limit=200${query}${cursor}`, admin.bearer)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    answers.push(answer)
    if (answer.body['next_cursor'] === null) return answers
    cursor = `&cursor=${answer.body['next_cursor']}`
  }
}

const idsIn = (answers: Answer[]) =>
  answers.flatMap(({ body }) => (body['users'] as { id: string }[]).map(({ id }) => id))

test('whatever another program writes into a document, no request fails, and no other user is affected', {
  timeout: 300_000,
}, async () => {
  const basic = { authorization: `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}` }
  const idOf = async ({ bearer }: LoggedIn) => String((await server.get('/v1/me', bearer)).body['id'])
  const [adminId, neighbourId] = [await idOf(admin), await idOf(neighbour)]
  await fc.assert(
    fc.asyncProperty(strangeDocument, async (strange) => {
      await users().deleteMany({ email: { $nin: [admin.email, neighbour.email] } })
      const { email } = await insert(strange)
      const typed = typeof strange.email === 'string' ? strange.email : email
      const login = await attempt(typed)
      const answers = [login, await server.post('/v1/auth/password/forgot', { email: typed })]
      if (login.status === 200) {
        const { bearer, refreshToken } = tokensOf(login.body)
        answers.push(
          await server.get('/v1/me', bearer),
          await server.get('/v1/me/sessions', bearer),
          await server.patch('/v1/me', { name: 'New' }, bearer),
        )
        for (const token of [bearer.authorization.slice(7), refreshToken]) {
          const form = { 'content-type': 'application/x-www-form-urlencoded', ...basic }
          const payload = new URLSearchParams({ token }).toString()
          const asked = await server.app.inject({ method: 'POST', url: '/oauth/introspect', headers: form, payload })
          answers.push({ status: asked.statusCode, headers: {}, body: JSON.parse(asked.body) })
        }
        answers.push(
          await server.post('/v1/auth/refresh', { refresh_token: refreshToken }),
          await server.post('/v1/auth/password/change', { current_password: password, new_password: password }, bearer),
        )
      }
      const pages = await everyPage()
      const ids = idsIn(pages)
      const isHidden = isListOfTexts(strange.email)
      expect(ids).toHaveLength(isHidden ? 2 : 3)
      for (const id of ids.filter((each) => each !== adminId && each !== neighbourId)) {
        const path = `/v1/admin/users/${id}`
        answers.push(await server.get(path, admin.bearer), await server.patch(path, { name: 'N' }, admin.bearer))
        for (const action of ['unlock', 'disable', 'enable', 'sessions/revoke'])
          answers.push(await server.post(`${path}/${action}`, {}, admin.bearer))
        answers.push(await server.delete(path, admin.bearer))
      }
      for (const { status, body } of answers) expect(status, JSON.stringify(body)).toBeLessThan(500)
      expect((await server.get('/v1/me', neighbour.bearer)).status).toBe(200)
      expect(idsIn(await everyPage('&email_prefix=neigh'))).toEqual([neighbourId])
      expect(Array.isArray(await anomalousUsers(users()))).toBe(true)
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 30) },
  )
  expect((await attempt(neighbour.email)).status).toBe(200)
})

test('the migration reports every anomalous document by id, and emails that differ only in form', async () => {
  await using client = new MongoClient(inject('mongoUrl'))
  const collection = client.db(freshDatabase()).collection<Document>('users')
  const now = new Date()
  const fine = { password_hash: hash, name: 'N', role: 'user', is_active: true, created_at: now }
  const documents: Document[] = [
    { email: 'Fine@Example.com' },
    { email: 'a@example.com ', role: 'root' },
    { email: 'a@example.com' },
    { email: 'user@xn--bcher-kva.example', is_active: 0 },
    { email: 'user@bücher.example', created_at: '2021-03-04', is_active: 1 },
    { email: 'us\u00ader@example.com', password_hash: `$2x$10$${'a'.repeat(53)}` },
    { email: ['list@example.com'], name: 5, last_login: 'never' },
    { email: '<victim@example.com' },
    { _id: 'text', email: 'text@example.com' },
  ].map((strange) => ({ _id: new ObjectId(), ...fine, ...strange }))
  const ids = documents.map(({ _id }) => String(_id))
  await collection.insertMany(documents)
  const lines = await anomalousUsers(collection)
  const some = await anomalousUsers(collection, 2)
  expect(some.at(-1)).toBe('only 2 users were checked: --dry-run checks all of them')
  expect(some.join()).not.toContain(ids[7])
  const about = (text: string) => lines.filter((line) => line.includes(text)).join('\n')
  expect(about('that of another user')).toContain(`${ids[1]} (${ids[2]})`)
  expect(about('that of another user')).toContain(`${ids[3]} (${ids[4]})`)
  expect(about('never sends')).toContain(ids[1])
  expect(about('invisible characters')).toContain(ids[5])
  expect(about('email is missing, too long or not text')).toContain(ids[6])
  expect(about('one mailbox')).toContain(ids[7])
  expect(about('password_hash')).toContain(ids[5])
  expect(about('read as inactive')).toContain(ids[3])
  expect(about('read as active')).toContain(ids[4])
  expect(about('is not a date')).toContain(ids[4])
  expect(about('not a readable time')).toContain(ids[6])
  expect(about('role is neither')).toContain(ids[1])
  expect(about('not an ObjectId')).toContain('~InRleHQi')
  expect(lines.join('\n')).not.toMatch(/@example|Fine/)
  expect(lines.join('\n')).not.toContain(ids[0])
})

test('a string that is not UTF-8 breaks neither the login of its user nor the list of users', async () => {
  const { email } = await insert({ name: 'AAAAAAAAAA' })
  await writeNoUtf8(email, 'AAAAAAAAAA')
  expect((await attempt(email)).body).toMatchObject({ user: { email, name: '\ufffdAAAAAAAAA' } })
  await everyPage()
  expect(Array.isArray(await anomalousUsers(users()))).toBe(true)
})

test('an anomalous document is counted, and logged once without the email', async () => {
  const lines: unknown[] = []
  const logged = vi.spyOn(server.app.log, 'warn').mockImplementation((...given: unknown[]) => void lines.push(given))
  onTestFinished(() => logged.mockRestore())
  const { email, _id } = await insert({ is_active: 'no' })
  for (let time = 0; time < 3; time++) await attempt(email)
  expect(lines).toHaveLength(1)
  expect(JSON.stringify(lines)).toContain(String(_id))
  expect(JSON.stringify(lines)).not.toContain(email)
  const metric = await server.app.metrics.anomalousUsers.get()
  const told = metric.values.find(({ labels }) => labels['oddity'] === 'is_active_no')
  expect(told?.value).toBeGreaterThanOrEqual(3)
})

test('no mail goes to a stored email that is not an address, or that contains the address of another person', async () => {
  const sent = vi.spyOn(server.app.log, 'info')
  onTestFinished(() => sent.mockRestore())
  await insert({ email: '<neighbour@example.com' })
  expect((await server.post('/v1/auth/password/forgot', { email: '<neighbour@example.com' })).status).toBe(202)
  await server.app.mail.idle()
  const mails = sent.mock.calls.filter((given) => JSON.stringify(given).includes('reset_password'))
  expect(mails).toEqual([])
})

test('a document that this server has written is not anomalous', async () => {
  const { email } = await logIn(server, 'plain@example.com')
  expect(anomaliesOf((await users().findOne({ email })) ?? {})).toEqual([])
})
