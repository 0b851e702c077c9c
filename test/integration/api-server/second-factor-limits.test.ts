import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, logInAsAdmin, password, startApp } from './app-for-test.ts'
import {
  codeOf,
  enrol,
  firstStep,
  forgetUsedCodes,
  type MfaDeployment,
  mfaEnvironment,
  secondStep,
  startDeployment,
  wrongCodeOf,
} from './second-factor.ts'

/** Two servers of one deployment. */
let deployment: MfaDeployment
let server: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
})
afterAll(() => deployment.close())

test('wrong codes lock the user for all addresses, and nothing but time or an administrator ends the lock', async () => {
  const user = await enrol(server)
  const wrong = wrongCodeOf(user.secret)
  const from = (address: number) => ({ 'x-forwarded-for': `192.0.2.${address}` })
  let address = 0
  for (let failures = 0; failures < 10; failures += 5) {
    const token = await firstStep(server, user, from(++address))
    for (let failure = 0; failure < 5; failure++) {
      expect((await secondStep(server, token, wrong, from(address))).status).toBe(403)
    }
    expect(await secondStep(server, token, codeOf(user.secret), from(address))).toMatchObject({
      status: 401,
      body: { code: 'mfa_token_invalid' },
    })
  }
  const token = await firstStep(server, user, from(++address))
  const locked = await secondStep(server, token, codeOf(user.secret), from(address))
  expect(locked).toMatchObject({ status: 429, body: { code: 'locked' } })
  expect(Number(locked.headers['retry-after'])).toBeGreaterThan(50)
  expect(await deployment.subjectsTo(user.email)).toContain('Your password may be known to another person')

  // A new password unlocks the account, and not the second factor.
  const found = await server.app.users.findById(user.id.toString())
  if (found === null) throw new Error('the user is gone')
  await server.app.loginAttempts.unlock(found)
  const again = await firstStep(server, user)
  expect((await secondStep(server, again, codeOf(user.secret))).status).toBe(429)
  const admin = await logInAsAdmin(server)
  expect((await server.post(`/v1/admin/users/${user.id}/unlock`, undefined, admin.bearer)).status).toBe(204)
  expect((await secondStep(server, again, codeOf(user.secret))).status).toBe(200)
})

test('a known device of the owner is not locked by others', async () => {
  const user = await enrol(server)
  const first = await secondStep(server, await firstStep(server, user), codeOf(user.secret))
  const cookie = String([first.headers['set-cookie']].flat().find((each) => String(each).startsWith('__Host-device')))
  for (let round = 0; round < 2; round++) {
    const token = await firstStep(server, user)
    for (let failure = 0; failure < 5; failure++) await secondStep(server, token, wrongCodeOf(user.secret))
  }
  await forgetUsedCodes(server, user)
  const stranger = await firstStep(server, user)
  expect((await secondStep(server, stranger, codeOf(user.secret))).status).toBe(429)
  const owner = { cookie: cookie.split(';')[0] ?? '' }
  const token = await firstStep(server, user, owner)
  expect((await secondStep(server, token, codeOf(user.secret), owner)).status).toBe(200)
})

test('neither a right password nor a right code clears failures', async () => {
  const strict = await startApp({
    ...mfaEnvironment,
    LOGIN_LOCK_AT_FAILURE: '3',
    LOGIN_LOCK_FIRST: '1h',
    LOGIN_LOCK_LONGEST: '1h',
  })
  try {
    const user = await enrol(strict)
    const wrongPassword = () => strict.post('/v1/auth/login', { email: user.email, password: 'wrong horse battery' })
    await wrongPassword()
    expect((await secondStep(strict, await firstStep(strict, user), codeOf(user.secret))).status).toBe(200)
    await secondStep(strict, await firstStep(strict, user), wrongCodeOf(user.secret))
    await wrongPassword()
    // The third failure locked the pair, for passwords and codes alike.
    expect(await strict.post('/v1/auth/login', { email: user.email, password })).toMatchObject({
      status: 429,
      body: { code: 'locked' },
    })
  } finally {
    await strict.close()
  }
})

test('of simultaneous guesses, as many learn the result as of consecutive ones', { timeout: 120_000 }, async () => {
  const user = await enrol(server)
  const tokens = await Promise.all(Array.from({ length: 12 }, () => firstStep(server, user)))
  const guess = async (token: string) => {
    const statuses: number[] = []
    for (let each = 0; each < 4; each++) {
      statuses.push((await secondStep(server, token, wrongCodeOf(user.secret))).status)
    }
    return statuses
  }
  const statuses = (await Promise.all(tokens.map(guess))).flat()
  expect(statuses.filter((status) => status === 403)).toHaveLength(10)
  expect(statuses.filter((status) => status === 429)).toHaveLength(38)
})

test('whether users have passkeys is known without reading all second factors', async () => {
  const { db } = server.app.mongo
  const createdAt = new Date(0)
  const users = Array.from({ length: 500 }, (_, n) => ({ factors: [{ id: `app-${n}`, type: 'totp', createdAt }] }))
  await db.collection('second_factors').insertMany(users)
  await db.command({ profile: 2 })
  try {
    expect(await server.app.mfa.factors.isInUse(new Date(), 'passkey')).toBe(false)
    expect(await server.app.mfa.factors.isInUse(new Date())).toBe(true)
  } finally {
    await db.command({ profile: 0 })
  }
  const reads = await db
    .collection('system.profile')
    .find({ ns: `${db.databaseName}.second_factors`, op: 'query' })
    .toArray()
  expect(reads.map(({ docsExamined }) => Number(docsExamined)).toSorted((one, two) => one - two)).toEqual([0, 1])
})
