import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type AppForTest, type LoggedIn, logIn, password, startApp } from './app-for-test.ts'
import { passkeyEnvironment } from './passkey-user.ts'

/** Routes that require the current password: guessing there equals guessing at the login. */
const wrong = 'wrong horse battery'
let server: AppForTest

beforeAll(async () => {
  const lock = { LOGIN_LOCK_AT_FAILURE: '3', LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' }
  server = await startApp({ ...passkeyEnvironment, ...lock })
})
afterAll(() => server.close())

const routes: [string, (user: LoggedIn, secret: string) => Promise<Answer>][] = [
  [
    'a change of the password',
    ({ bearer }, secret) =>
      server.post(
        '/v1/auth/password/change',
        { current_password: secret, new_password: 'a new horse battery' },
        bearer,
      ),
  ],
  [
    'a request for another email',
    ({ bearer, email }, secret) => server.patch('/v1/me', { email: `new-${email}`, current_password: secret }, bearer),
  ],
  [
    'an enrolment of an authenticator app',
    ({ bearer }, secret) => server.post('/v1/me/mfa/totp', { current_password: secret, name: 'Phone' }, bearer),
  ],
  [
    'an addition of a passkey',
    ({ bearer }, secret) => server.post('/v1/me/mfa/passkeys', { current_password: secret }, bearer),
  ],
  ['a deletion of the account', ({ bearer }, secret) => server.delete('/v1/me', bearer, { current_password: secret })],
]

test.each(routes)(
  'guesses of the password at %s count, lock and are recorded like guesses at the login',
  async (_name, ask) => {
    const user = await logIn(server)
    const { sub } = await server.app.tokens.verifyAccessToken(user.accessToken)
    for (let guess = 0; guess < 3; guess++) {
      expect(await ask(user, wrong)).toMatchObject({ status: 403, body: { code: 'password_wrong' } })
    }
    // The password is right, but the answer does not reveal it.
    expect(await ask(user, password)).toMatchObject({ status: 429, body: { code: 'locked' } })
    expect(await server.post('/v1/auth/login', { email: user.email, password })).toMatchObject({
      status: 429,
      body: { code: 'locked' },
    })
    await server.app.securityEventStore.flush()
    const events = server.app.mongo.db.collection('security_events')
    // Refusals of one kind are one document per minute, with a count.
    const count = async (event: string) => {
      const all = await events.find({ userId: sub, event }).toArray()
      return all.reduce((sum, entry) => sum + (entry['count'] ?? 1), 0)
    }
    const counts = async () => [
      await count('authn_login_fail'),
      await count('authn_login_fail_max'),
      await count('authn_login_lock'),
    ]
    await expect.poll(counts).toEqual([3, 1, 1])
  },
)

test.each(routes)('guesses at the login lock %s as well', async (_name, ask) => {
  const user = await logIn(server)
  for (let guess = 0; guess < 3; guess++) await server.post('/v1/auth/login', { email: user.email, password: wrong })
  expect(await ask(user, password)).toMatchObject({ status: 429, body: { code: 'locked' } })
})

test('a known device stays known when its user changes the password on it', async () => {
  const user = await logIn(server)
  const cookieOf = ({ headers }: Answer) => String([headers['set-cookie'] ?? []].flat()[0]).split(';')[0] ?? ''
  const login = (secret: string, cookie?: string) =>
    server.post('/v1/auth/login', { email: user.email, password: secret }, cookie === undefined ? {} : { cookie })
  const before = cookieOf(await login(password))
  const change = { current_password: password, new_password: 'a new horse battery' }
  const changed = await server.post('/v1/auth/password/change', change, { ...user.bearer, cookie: before })
  expect(changed.status).toBe(204)
  const after = cookieOf(changed)
  expect(after).toMatch(/^__Host-device=[\w-]{43}$/)
  // A known device gets no new cookie.
  expect((await login('a new horse battery', after)).headers['set-cookie']).toBeUndefined()
  expect((await login('a new horse battery', before)).headers['set-cookie']).toBeDefined()
})
