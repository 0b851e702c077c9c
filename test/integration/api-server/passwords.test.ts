import { randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'
import { medianDifference, processorClock } from './time-difference.ts'

let server: AppForTest

beforeAll(async () => {
  // A higher cost than that of the stored hashes in these tests, so that they are upgraded.
  server = await startApp({ BCRYPT_COST: '11', LOGIN_LOCK_AT_FAILURE: '100' })
})

afterAll(() => server.close())

function users() {
  return server.app.mongo.db.collection(server.config.mongodb.usersCollection)
}

/** Stores a user as another program does. */
async function store(hash: string): Promise<string> {
  const email = `${randomBytes(6).toString('hex')}@example.com`
  await users().insertOne({ email, password_hash: hash, name: 'Old', role: 'user', is_active: true })
  return email
}

const attempt = (email: string, secret: string) => server.post('/v1/auth/login', { email, password: secret })

test.each(['2a', '2y', '2b'])(
  'a $%s$ hash of a lower cost logs in and is replaced by one of the configured cost',
  async (variant) => {
    const hash = (await bcrypt.hash(password, 10)).replace('$2b$', `$${variant}$`)
    const email = await store(hash)
    expect((await attempt(email, 'wrong horse battery')).status).toBe(401)
    expect((await users().findOne({ email }))?.['password_hash']).toBe(hash)
    expect((await attempt(email, password)).status).toBe(200)
    const upgraded = (await users().findOne({ email }))?.['password_hash']
    expect(upgraded).toMatch(/^\$2b\$11\$/)
    expect((await attempt(email, password)).status).toBe(200)
    expect((await users().findOne({ email }))?.['password_hash']).toBe(upgraded)
  },
)

test('concurrent logins all succeed while one of them replaces the hash', async () => {
  const email = await store(await bcrypt.hash(password, 10))
  const answers = await Promise.all(Array.from({ length: 4 }, () => attempt(email, password)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
})

test('a password that another program hashed without normalization logs in, and from then on in any normalization', async () => {
  const typed = 'cafe\u0301 au lait, merci'
  const email = await store(await bcrypt.hash(typed, 11))
  expect((await attempt(email, typed.normalize('NFC'))).status).toBe(401)
  expect((await attempt(email, typed)).status).toBe(200)
  expect((await attempt(email, typed.normalize('NFC'))).status).toBe(200)
})

test('a stored value that is not a bcrypt hash refuses every password', async () => {
  for (const hash of ['', 'plain text', '$argon2id$v=19$m=65536$abc$def']) {
    expect((await attempt(await store(hash), password)).status).toBe(401)
  }
})

test('a password over 72 bytes is refused at the login too, for any user', async () => {
  const { email } = await logIn(server)
  const long = password + 'x'.repeat(72)
  for (const whose of [email, 'nobody@example.com']) {
    expect(await attempt(whose, long)).toMatchObject({ status: 422, body: { code: 'password_too_long' } })
  }
})

test("a new password made of the organization's words is refused wherever it can be chosen", async () => {
  const strict = await startApp({ PASSWORD_WORDS: 'acme, Rocket' })
  try {
    const { bearer } = await logIn(strict)
    const made = 'AcmeRocket2026!'
    const registered = await strict.post('/v1/auth/register', { email: 'one@example.com', password: made, name: 'One' })
    expect(registered).toMatchObject({ status: 422, body: { code: 'password_common' } })
    const change = { current_password: password, new_password: made }
    expect(await strict.post('/v1/auth/password/change', change, bearer)).toMatchObject({
      status: 422,
      body: { code: 'password_common' },
    })
  } finally {
    await strict.close()
  }
})

test('logins beyond the hash queue are refused immediately with Retry-After, and those in the queue are answered', async () => {
  const { email } = await logIn(server)
  const answers = await Promise.all(
    Array.from({ length: 80 }, async () => {
      const answer = await attempt(email, password)
      return { ...answer, at: performance.now() }
    }),
  )
  const refused = answers.filter(({ status }) => status === 503)
  // On a machine without CPU time for MongoDB, the server also answers `database_unavailable`.
  const busy = refused.filter(({ body }) => (body as { code?: string }).code === 'busy')
  const served = answers.filter(({ status }) => status === 200)
  expect(busy.length).toBeGreaterThan(0)
  expect(served.length).toBeGreaterThan(10)
  expect(refused.length + served.length).toBe(80)
  for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  // Immediately: before the first login that waited behind all others.
  const lastServed = Math.max(...served.map(({ at }) => at))
  for (const { at } of busy) expect(at).toBeLessThan(lastServed)
})

test('an unknown email takes as long as a wrong password, and as one with an old hash: within 15 % in the median', async () => {
  // Measures CPU time, because hashing only computes and a busy machine stretches wall-clock time at random. Uses a
  // server of its own, because other tests of this file may still compute.
  const quiet = await startApp({ BCRYPT_COST: '11', LOGIN_LOCK_AT_FAILURE: '100' })
  onTestFinished(() => quiet.close())
  const { email: known } = await logIn(quiet)
  const old = 'old@example.com'
  await quiet.app.mongo.db
    .collection(quiet.config.mongodb.usersCollection)
    .insertOne({ email: old, password_hash: await bcrypt.hash(password, 10), name: 'Old' })
  const fail = (email: string) => async () => () =>
    quiet.post('/v1/auth/login', { email, password: 'wrong horse battery' })

  for (const email of [known, old]) {
    const { difference, typical } = await medianDifference(15, fail(email), fail('nobody@example.com'), processorClock)
    expect(difference / typical, `${email}: ${difference} ms of ${typical} ms`).toBeLessThan(0.15)
  }
})
