import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Answer,
  type AppForTest,
  type LoggedIn,
  logIn,
  logInAsAdmin,
  password,
  startApp,
  tokensOf,
} from './app-for-test.ts'
import {
  addTotp,
  codeOf,
  type Enrolled,
  enrol,
  firstStep,
  forgetUsedCodes,
  type MfaDeployment,
  mfaEnvironment,
  startDeployment,
} from './second-factor.ts'

let deployment: MfaDeployment
let server: AppForTest
let other: AppForTest

beforeAll(async () => {
  deployment = await startDeployment({ MFA_REMEMBER_DEVICE: '7d' })
  server = deployment.server
  other = deployment.other
})
afterAll(() => deployment.close())

const browser = { 'user-agent': 'Browser/1.0' }

type Client = Record<string, string>

/** The remembered devices of a user, who has others as well: enrolling began sessions. */
const remembered = ({ id: userId }: Enrolled) => ({ userId, secondFactor: { $exists: true } })
const knownDevices = () => server.app.mongo.db.collection('known_devices')

/** Logs in with a second factor. @returns the headers of the device's later requests, and its session */
async function logInWithFactor(user: Enrolled, remember: boolean | undefined, client: Client = browser) {
  const mfa_token = await firstStep(server, user, client)
  const step = { mfa_token, method: 'totp', code: codeOf(user.secret) }
  const more = remember === undefined ? {} : { remember_device: remember }
  const answer = await server.post('/v1/auth/login/mfa', { ...step, ...more }, client)
  if (answer.status !== 200) throw new Error(`the second step answered ${JSON.stringify(answer)}`)
  return { device: { ...client, ...cookieOf(answer) }, session: tokensOf(answer.body) }
}

function cookieOf({ headers }: Answer): Client {
  const cookie = [headers['set-cookie']].flat().find((each) => String(each).startsWith('__Host-device='))
  return cookie === undefined ? {} : { cookie: String(cookie).split(';')[0] ?? '' }
}

const withPassword = (email: string, client: Client, at = server) =>
  at.post('/v1/auth/login', { email, password }, client)

test('a remembered device logs in with the password alone on every server, as one factor', async () => {
  const user = await enrol(server)
  const first = await withPassword(user.email, browser)
  expect(first).toMatchObject({ status: 202, body: { remember_device_for: 7 * 86_400 } })
  const { device, session } = await logInWithFactor(user, true)
  expect(decodeJwt(session.accessToken)).toMatchObject({ acr: 'aal2' })
  for (const at of [server, other]) {
    const answer = await withPassword(user.email, device, at)
    expect(answer.status).toBe(200)
    expect(decodeJwt(tokensOf(answer.body).accessToken)).toMatchObject({ amr: ['pwd'], acr: 'aal1' })
  }
  const events = () => server.app.mongo.db.collection('security_events').find({ userId: user.id.toString() }).toArray()
  await expect.poll(events).toContainEqual(expect.objectContaining({ event: 'authn_mfa_device_remembered' }))
  await expect
    .poll(events)
    .toContainEqual(expect.objectContaining({ event: 'authn_login_success', reason: 'second factor remembered' }))
})

test('step-up and verify still ask a remembered device for a code', async () => {
  const user = await enrol(server)
  const { device } = await logInWithFactor(user, true)
  const { bearer } = tokensOf((await withPassword(user.email, device)).body)
  for (const answer of [
    await server.delete(`/v1/me/mfa/factors/${user.factorId}`, bearer),
    await server.post('/v1/me/mfa/recovery-codes', undefined, bearer),
    await server.patch('/v1/me', { email: 'thief@example.com', current_password: password }, bearer),
    await server.get('/v1/auth/verify?acr=aal2', bearer),
  ]) {
    expect(answer).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } })
  }
  await forgetUsedCodes(server, user)
  const stepped = await server.post('/v1/auth/step-up', { method: 'totp', code: codeOf(user.secret) }, bearer)
  expect(decodeJwt(tokensOf(stepped.body).accessToken)).toMatchObject({ acr: 'aal2' })
})

test('a login with a second factor renews the bound, and logins with the password do not', async () => {
  const user = await enrol(server)
  const { device } = await logInWithFactor(user, true)
  const devices = knownDevices()
  const at = async () => (await devices.findOne(remembered(user)))?.['secondFactor'].at
  const aged = new Date(Date.now() - 6 * 86_400_000)
  await devices.updateOne(remembered(user), { $set: { 'secondFactor.at': aged, lastUsedAt: aged } })
  expect((await withPassword(user.email, device)).status).toBe(200)
  expect(await at()).toEqual(aged)
  await devices.updateOne(remembered(user), { $set: { 'secondFactor.at': new Date(Date.now() - 8 * 86_400_000) } })
  await forgetUsedCodes(server, user)
  await logInWithFactor(user, true, device)
  expect((await at()).getTime()).toBeGreaterThan(aged.getTime())
  expect(await devices.countDocuments(remembered(user))).toBe(1)
})

type Attack = (user: Enrolled, device: Client, session: Pick<LoggedIn, 'bearer'>) => Promise<unknown>

const changedPassword = 'a new horse battery'
const admin = (path: string) => async (user: Enrolled) =>
  server.post(`/v1/admin/users/${user.id}/${path}`, undefined, (await logInAsAdmin(server)).bearer)
const setDevice = (user: Enrolled, change: object) => knownDevices().updateOne(remembered(user), { $set: change })

/** What must end a remembered device: a login from it then needs a code again, if it is possible at all. */
const ends: [string, Attack][] = [
  ['the bound', (user) => setDevice(user, { 'secondFactor.at': new Date(Date.now() - 7 * 86_400_000) })],
  ['the lifetime of the device', (user) => setDevice(user, { expiresAt: new Date() })],
  [
    'a change of the password',
    (_user, device, { bearer }) =>
      server.post(
        '/v1/auth/password/change',
        { current_password: password, new_password: changedPassword },
        { ...device, ...bearer },
      ),
  ],
  ['a logout everywhere', (_user, _device, { bearer }) => server.post('/v1/auth/logout-all', undefined, bearer)],
  ['another app', (_user, _device, { bearer }) => addTotp(server, { bearer }, 'Other')],
  [
    'the removal of one of two apps',
    async (user, device, { bearer }) => {
      const { confirmed } = await addTotp(server, { bearer }, 'Other')
      await forgetUsedCodes(server, user)
      await logInWithFactor(user, true, device)
      return server.delete(`/v1/me/mfa/factors/${user.factorId}`, tokensOf(confirmed.body).bearer)
    },
  ],
  ['the end of all sessions by an administrator', admin('sessions/revoke')],
  [
    'a reset by an administrator, and another enrolment',
    async (user) => {
      await admin('mfa/reset')(user)
      await addTotp(server, await logIn(server, user.email))
    },
  ],
  [
    'a disabling and an enabling by an administrator',
    async (user) => {
      await admin('disable')(user)
      await admin('enable')(user)
    },
  ],
]

test.each(ends)('%s ends a remembered device', async (_what, end) => {
  const user = await enrol(server)
  const { device, session } = await logInWithFactor(user, true)
  expect((await withPassword(user.email, device)).status).toBe(200)
  await end(user, device, session)
  const found = await server.app.users.findById(user.id.toString())
  const isChanged = (await server.app.passwords.check(changedPassword, found?.password_hash, 'owner')).matches
  const secret = isChanged ? changedPassword : password
  const answer = await server.post('/v1/auth/login', { email: user.email, password: secret }, device)
  expect(answer).toMatchObject({ status: 202, body: { status: 'second_factor_required' } })
})

/** Clients that are not the remembered device. */
const strangers: [string, (user: Enrolled, device: Client) => Promise<Client>][] = [
  ['no cookie', async () => browser],
  ['another User-Agent', async (_user, device) => ({ ...device, 'user-agent': 'Browser/2.0' })],
  ['an invented cookie', async () => ({ ...browser, cookie: `__Host-device=${'a'.repeat(43)}` })],
  [
    'the hash of the cookie, from the database',
    async (user) => {
      const stored = await knownDevices().findOne(remembered(user))
      return { ...browser, cookie: `__Host-device=${stored?._id}` }
    },
  ],
  ['the remembered device of another user', async () => (await logInWithFactor(await enrol(server), true)).device],
  [
    'the known device of the user, which did not ask',
    async (user) => {
      await forgetUsedCodes(server, user)
      return (await logInWithFactor(user, undefined)).device
    },
  ],
  [
    'the known device of the user, which refused',
    async (user) => {
      await forgetUsedCodes(server, user)
      return (await logInWithFactor(user, false)).device
    },
  ],
]

test.each(strangers)('a client with %s needs a code', async (_what, strangerOf) => {
  const user = await enrol(server)
  const { device } = await logInWithFactor(user, true)
  const stranger = await strangerOf(user, device)
  expect(await withPassword(user.email, stranger)).toMatchObject({ status: 202 })
})

test('a remembered device does not replace the password, and is no access', async () => {
  const user = await enrol(server)
  const { device } = await logInWithFactor(user, true)
  const wrong = await server.post('/v1/auth/login', { email: user.email, password: 'wrong horse battery' }, device)
  expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
  expect((await server.get('/v1/me', device)).status).toBe(401)
})

test('a change between the check of the password and the session asks for a code', async () => {
  const user = await enrol(server)
  const { device } = await logInWithFactor(user, true)
  const { revocation } = server.app
  const versionOf = revocation.versionOf.bind(revocation)
  let reads = 0
  // The first read finds the device, the second one follows the check of the password.
  revocation.versionOf = async (...args) => {
    if (++reads === 2) await revocation.revokeUser(user.id.toString(), 'mfa_change')
    return versionOf(...args)
  }
  try {
    expect(await withPassword(user.email, device)).toMatchObject({ status: 202 })
    expect(reads).toBe(2)
  } finally {
    revocation.versionOf = versionOf
  }
})

test('where second factors are required, no device is remembered', async () => {
  const user = await enrol(server)
  const { device } = await logInWithFactor(user, true)
  const DATABASE_NAME = server.config.mongodb.database
  const required = await startApp({
    ...mfaEnvironment,
    MFA_MODE: 'required',
    MFA_REMEMBER_DEVICE: '7d',
    DATABASE_NAME,
  })
  try {
    const first = await withPassword(user.email, device, required)
    expect(first).toMatchObject({ status: 202, body: { status: 'second_factor_required', remember_device_for: 0 } })
    await forgetUsedCodes(server, user)
    const step = { mfa_token: first.body['mfa_token'], method: 'totp', code: codeOf(user.secret) }
    const second = await required.post('/v1/auth/login/mfa', { ...step, remember_device: true }, device)
    expect(second.status).toBe(200)
    expect(await withPassword(user.email, device, required)).toMatchObject({ status: 202 })
  } finally {
    await required.close()
  }
})

test('a server that does not remember devices asks every device for a code', async () => {
  const user = await enrol(server)
  const { device } = await logInWithFactor(user, true)
  const off = await startDeployment({ DATABASE_NAME: server.config.mongodb.database })
  try {
    const first = await withPassword(user.email, device, off.server)
    expect(first).toMatchObject({ status: 202, body: { remember_device_for: 0 } })
    const plain = await enrol(off.server)
    const step = { mfa_token: await firstStep(off.server, plain), method: 'totp', code: codeOf(plain.secret) }
    const answer = await off.server.post('/v1/auth/login/mfa', { ...step, remember_device: true })
    expect(answer.status).toBe(200)
    // Also if the option is turned on later.
    expect(await withPassword(plain.email, cookieOf(answer))).toMatchObject({ status: 202 })
  } finally {
    await off.close()
  }
})
