import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { TransactionConflictError } from '../../../api-server/plugins/external/transaction.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp, tokensOf } from './app-for-test.ts'
import {
  addTotp,
  codeOf,
  type Enrolled,
  enrol,
  firstStep,
  forgetUsedCodes,
  mfaEnvironment,
  secondStep,
  wrongCodeOf,
} from './second-factor.ts'

let smtp: TestSmtp
let server: AppForTest
/** Another server of the same deployment. */
let other: AppForTest

beforeAll(async () => {
  smtp = await startSmtp()
  const environment = {
    ...mfaEnvironment,
    SMTP_URL: smtp.url,
    MAIL_FROM: 'no-reply@example.com',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
    DATABASE_NAME: freshDatabase(),
  }
  server = await startApp(environment)
  other = await startApp(environment)
})
beforeEach(() => {
  smtp.mails.length = 0
})
afterAll(async () => {
  await Promise.all([server.close(), other.close()])
  await smtp.stop()
})

async function subjectsTo(email: string): Promise<string[]> {
  await server.app.mail.idle()
  return smtp.mails.filter(({ to }) => to.includes(email)).map(({ subject }) => subject)
}

const stored = ({ id }: Enrolled) => server.app.mfa.factors.find(id)

describe('enrolment', () => {
  test('a user enrols an authenticator app, and gets ten recovery codes and a new session', async () => {
    const user = await logIn(server)
    const { started, confirmed, secret } = await addTotp(server, user)
    expect(String(started.body['otpauth_url'])).toBe(
      `otpauth://totp/Example:${encodeURIComponent(user.email)}?issuer=Example&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    )
    expect(started.headers['cache-control']).toBe('no-store')
    expect(confirmed).toMatchObject({ status: 200, body: { recovery_codes: Array(10).fill(expect.any(String)) } })

    // Earlier sessions may be those of others.
    expect((await server.get('/v1/me', user.bearer)).body).toMatchObject({ code: 'session_revoked' })
    const { bearer } = tokensOf(confirmed.body)
    expect(await server.get('/v1/me/mfa', bearer)).toMatchObject({
      status: 200,
      body: {
        factors: [{ id: confirmed.body['factor_id'], type: 'totp', name: 'Phone' }],
        recovery_codes_left: 10,
      },
    })
    expect(await subjectsTo(user.email)).toContain('A second factor was added to your account')
  })

  test('the user document stays as it is, and secret and recovery codes are nowhere in plain text', async () => {
    const { email, id, secret, recoveryCodes } = await enrol(server)
    const document = await server.app.mongo.db.collection('users').findOne({ email })
    const fields = ['_id', 'created_at', 'email', 'is_active', 'last_login', 'name', 'password_hash', 'role']
    expect(Object.keys(document ?? {}).sort()).toEqual([...fields, 'updated_at'])
    for (const { name } of await server.app.mongo.db.listCollections().toArray()) {
      const text = JSON.stringify(await server.app.mongo.db.collection(name).find().toArray())
      for (const plain of [secret, ...recoveryCodes]) expect(text, name).not.toContain(plain)
    }
    expect(await server.app.mfa.factors.find(id)).toMatchObject({ recoveryCodes: Array(10).fill(expect.any(String)) })
  })

  test('a wrong code does not enrol, and the enrolment ends with the fifth', async () => {
    const { bearer } = await logIn(server)
    const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, bearer)
    const secret = String(started.body['secret'])
    const confirm = (code: string) =>
      server.post('/v1/me/mfa/totp/confirm', { token: started.body['token'], code }, bearer)
    for (let wrong = 0; wrong < 5; wrong++) {
      expect(await confirm(wrongCodeOf(secret))).toMatchObject({ status: 403, body: { code: 'mfa_code_wrong' } })
    }
    expect(await confirm(codeOf(secret))).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await server.get('/v1/me/mfa', bearer)).toMatchObject({ body: { factors: [], recovery_codes_left: 0 } })
  })

  test('a user has at most ten factors, and gets recovery codes with the first one only', async () => {
    const user = await enrol(server)
    let { bearer } = user
    for (let factor = 2; factor <= 10; factor++) {
      const { confirmed } = await addTotp(server, { bearer }, `App ${factor}`)
      expect(confirmed).toMatchObject({ status: 200, body: { recovery_codes: null } })
      bearer = tokensOf(confirmed.body).bearer
    }
    const eleventh = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'App 11' }, bearer)
    expect(eleventh).toMatchObject({ status: 409, body: { code: 'mfa_too_many' } })
  })

  test('of two enrolments at the same time, the later one finds that the limit is reached', async () => {
    const user = await enrol(server)
    const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, user.bearer)
    await server.app.mongo.db
      .collection('second_factors')
      .updateOne({ _id: user.id as never }, [{ $set: { factors: { $concatArrays: Array(10).fill('$factors') } } }])
    const code = codeOf(String(started.body['secret']))
    const confirmed = await server.post('/v1/me/mfa/totp/confirm', { token: started.body['token'], code }, user.bearer)
    expect(confirmed).toMatchObject({ status: 409, body: { code: 'mfa_too_many' } })
  })
})

describe('login', () => {
  test('a login needs the password and a code, and the tokens say so', async () => {
    const user = await enrol(server)
    const first = await server.post('/v1/auth/login', { email: user.email, password })
    expect(first).toMatchObject({
      status: 202,
      body: {
        status: 'second_factor_required',
        expires_in: 300,
        factors: [{ id: user.factorId, type: 'totp', name: 'Phone' }],
      },
    })
    expect(first.headers['set-cookie']).toBeUndefined()
    // Any server completes it.
    const before = Math.floor(Date.now() / 1000)
    const second = await secondStep(other, String(first.body['mfa_token']), codeOf(user.secret))
    expect(second).toMatchObject({ status: 200, body: { user: { email: user.email } } })
    const { accessToken, refreshToken, bearer } = tokensOf(second.body)
    const claims = decodeJwt(accessToken)
    expect(claims).toMatchObject({ amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' })
    expect(claims['auth_time']).toBeGreaterThanOrEqual(before)

    const refreshed = await server.post('/v1/auth/refresh', { refresh_token: refreshToken })
    const { amr, acr, auth_time } = claims
    expect(decodeJwt(tokensOf(refreshed.body).accessToken)).toMatchObject({ amr, acr, auth_time })
    const verified = await server.get('/v1/auth/verify', bearer)
    expect(verified).toMatchObject({ status: 200, body: { amr, acr, auth_time } })
    expect(verified.headers).toMatchObject({
      'x-auth-amr': 'pwd otp mfa',
      'x-auth-acr': 'aal2',
      'x-auth-time': String(auth_time),
    })
  })

  test('a user without a second factor logs in with the password, and the tokens say so', async () => {
    const { accessToken } = await logIn(server)
    expect(decodeJwt(accessToken)).toMatchObject({ amr: ['pwd'], acr: 'aal1', auth_time: expect.any(Number) })
  })

  test.each([-1, 0, 1])('the code of step %i from now is accepted', async (steps) => {
    const user = await enrol(server)
    expect((await secondStep(server, await firstStep(server, user), codeOf(user.secret, steps))).status).toBe(200)
  })

  test('a wrong password is answered as that of any user', async () => {
    const [user, plain] = [await enrol(server), await logIn(server)]
    const answers = await Promise.all(
      [user.email, plain.email, 'nobody@example.com'].map((email) =>
        server.post('/v1/auth/login', { email, password: 'wrong horse battery' }),
      ),
    )
    const bodies = answers.map(({ status, body }) => ({ status, body: { ...body, request_id: '' } }))
    expect(new Set(bodies.map((each) => JSON.stringify(each))).size).toBe(1)
    expect(bodies[0]).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
  })

  test('a recovery code replaces the app once, and the user gets a mail', async () => {
    const user = await enrol(server)
    const [code = ''] = user.recoveryCodes
    const use = async () =>
      secondStep(server, await firstStep(server, user), ` ${code.toUpperCase()} `, {}, 'recovery_code')
    const first = await use()
    expect(first.status).toBe(200)
    expect(await use()).toMatchObject({ status: 403, body: { code: 'mfa_code_wrong' } })
    const { bearer } = tokensOf(first.body)
    expect((await server.get('/v1/me/mfa', bearer)).body).toMatchObject({ recovery_codes_left: 9 })
    await server.app.mail.idle()
    expect(smtp.mails.find(({ subject }) => subject === 'A recovery code was used')?.text).toContain('Codes left: 9.')
  })

  test('in cookie mode, the second step needs the cookie of the first one', async () => {
    const browser = await startApp({ ...mfaEnvironment, COOKIE_MODE: 'true' })
    try {
      const user = await enrol(browser)
      const first = await browser.post('/v1/auth/login', { email: user.email, password })
      const cookie = [first.headers['set-cookie']].flat().find((each) => String(each).startsWith('__Host-mfa='))
      expect(cookie).toMatch(/; Max-Age=300; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
      const token = String(first.body['mfa_token'])
      const code = codeOf(user.secret)
      const without = await secondStep(browser, token, code)
      expect(without).toMatchObject({ status: 401, body: { code: 'mfa_token_invalid' } })
      const second = await secondStep(browser, token, code, { cookie: String(cookie).split(';')[0] ?? '' })
      expect(second).toMatchObject({ status: 200, body: { csrf_token: expect.any(String) } })
      expect(second.body).not.toHaveProperty('refresh_token')
    } finally {
      await browser.close()
    }
  })

  test('the last login is that of the second step, and an old hash is replaced at the first one', async () => {
    const user = await enrol(server)
    const users = server.app.mongo.db.collection('users')
    const longAgo = new Date('2020-01-01')
    const document = await users.findOne({ email: user.email })
    const password_hash = String(document?.['password_hash']).replace('$2b$', '$2a$')
    await users.updateOne({ email: user.email }, { $set: { last_login: longAgo, password_hash } })
    const token = await firstStep(server, user)
    expect(await users.findOne({ email: user.email })).toMatchObject({
      last_login: longAgo,
      password_hash: expect.stringMatching(/^\$2b\$/),
    })
    expect((await secondStep(server, token, codeOf(user.secret))).status).toBe(200)
    expect((await users.findOne({ email: user.email }))?.['last_login']).not.toEqual(longAgo)
  })
})

describe('one code', () => {
  test('of 40 uses by 8 clients on two servers, one succeeds', { timeout: 120_000 }, async () => {
    const user = await enrol(server)
    const tokens = await Promise.all(Array.from({ length: 8 }, () => firstStep(server, user)))
    const code = codeOf(user.secret)
    const client = async (token: string, index: number) => {
      const statuses: number[] = []
      for (let use = 0; use < 5; use++) {
        statuses.push((await secondStep((index + use) % 2 === 0 ? server : other, token, code)).status)
      }
      return statuses
    }
    const statuses = (await Promise.all(tokens.map(client))).flat()
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    // What is left of a used token, and a used code.
    expect(statuses.filter((status) => ![200, 401, 403].includes(status))).toEqual([])
  })

  /** Calls `use` 400 times for the two servers, by 20 callers that do not pause. @returns how often it was accepted */
  async function acceptedOf(use: (at: AppForTest) => Promise<boolean>): Promise<number> {
    const caller = async (_: unknown, index: number) => {
      let accepted = 0
      for (let call = 0; call < 20; call++) accepted += (await use((index + call) % 2 === 0 ? server : other)) ? 1 : 0
      return accepted
    }
    const counts = await Promise.all(Array.from({ length: 20 }, caller))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  test('of 400 uses of a step in two stores, one succeeds', { timeout: 120_000 }, async () => {
    const { id, factorId } = await enrol(server)
    const step = Math.floor(Date.now() / 30_000)
    expect(await acceptedOf((at) => at.app.mfa.factors.useStep(id, factorId, step, new Date()))).toBe(1)
  })

  test('of 400 uses of a recovery code in two stores, one succeeds', { timeout: 120_000 }, async () => {
    const user = await enrol(server)
    const [hash = ''] = (await stored(user))?.recoveryCodes ?? []
    expect(await acceptedOf((at) => at.app.mfa.factors.useRecoveryCode(user.id, hash))).toBe(1)
  })
})

describe('changes', () => {
  test('a user removes the last factor, all sessions end, and the next login needs the password only', async () => {
    const user = await enrol(server)
    const removed = await server.delete(`/v1/me/mfa/factors/${user.factorId}`, user.bearer)
    expect(removed.status).toBe(204)
    expect((await server.get('/v1/me', user.bearer)).body).toMatchObject({ code: 'session_revoked' })
    expect(await stored(user)).toBeNull()
    expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
    expect(await subjectsTo(user.email)).toContain('A second factor was removed from your account')
  })

  test('a user removes one of two factors, and the other one stays', async () => {
    const user = await enrol(server)
    const { secret, confirmed } = await addTotp(server, user, 'Tablet')
    const { bearer } = tokensOf(confirmed.body)
    expect((await server.delete(`/v1/me/mfa/factors/${user.factorId}`, bearer)).status).toBe(204)
    await forgetUsedCodes(server, user)
    const token = await firstStep(server, user)
    expect((await secondStep(server, token, codeOf(user.secret))).status).toBe(403)
    expect((await secondStep(server, token, codeOf(secret))).status).toBe(200)
  })

  test('a factor that does not exist cannot be removed', async () => {
    const user = await enrol(server)
    const answer = await server.delete('/v1/me/mfa/factors/unknown', user.bearer)
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((await server.get('/v1/me', user.bearer)).status).toBe(200)
  })

  test('new recovery codes replace the old ones', async () => {
    const user = await enrol(server)
    const renewed = await server.post('/v1/me/mfa/recovery-codes', undefined, user.bearer)
    expect(renewed).toMatchObject({ status: 200, body: { recovery_codes: Array(10).fill(expect.any(String)) } })
    const token = await firstStep(server, user)
    const [old = ''] = user.recoveryCodes
    expect((await secondStep(server, token, old, {}, 'recovery_code')).status).toBe(403)
    const [fresh = ''] = [renewed.body['recovery_codes']].flat().map(String)
    expect((await secondStep(server, token, fresh, {}, 'recovery_code')).status).toBe(200)
  })

  test('deleting a user deletes the factors in the same transaction, also after second factors were turned off', async () => {
    const databaseName = freshDatabase()
    const on = await startApp({ ...mfaEnvironment, DATABASE_NAME: databaseName })
    const off = await startApp({ DATABASE_NAME: databaseName })
    try {
      const user = await enrol(on)
      await firstStep(on, user)
      const { bearer } = await logIn(off, user.email)
      expect((await off.delete('/v1/me', bearer, { current_password: password })).status).toBe(204)
      expect(await on.app.mfa.factors.find(user.id)).toBeNull()
      expect(await on.app.mongo.db.collection('mfa_challenges').countDocuments()).toBe(0)
    } finally {
      await Promise.all([on.close(), off.close()])
    }
  })

  test('an administrator resets the factors of a user, who gets a mail and logs in with the password', async () => {
    const [user, admin] = [await enrol(server), await logInAsAdmin(server)]
    const path = `/v1/admin/users/${user.id}/mfa/reset`
    expect((await server.post(path, undefined, admin.bearer)).status).toBe(204)
    expect((await server.get('/v1/me', user.bearer)).status).toBe(401)
    expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
    expect(await subjectsTo(user.email)).toContain('Your second factors were removed')
    expect((await server.post(path, undefined, admin.bearer)).body).toMatchObject({ code: 'not_found' })
  })
})

describe('the list of users', () => {
  test('shows who has no second factor, and who has one', async () => {
    const [user, plain, admin] = [await enrol(server), await logIn(server), await logInAsAdmin(server)]
    const emails = async (query: string) => {
      const { status, body } = await server.get(`/v1/admin/users?limit=200&${query}`, admin.bearer)
      expect(status).toBe(200)
      return JSON.stringify(body['users'])
    }
    const [none, some] = [await emails('second_factor=none'), await emails('second_factor=some')]
    expect(none).toContain(plain.email)
    expect(none).not.toContain(user.email)
    expect(some).toContain(user.email)
    expect(some).not.toContain(plain.email)
    expect((await server.get('/v1/admin/users?second_factor=many', admin.bearer)).status).toBe(400)
  })
})

describe('step-up', () => {
  /** A session whose second factor was long ago. */
  async function oldSession(): Promise<Enrolled> {
    const user = await enrol(server)
    const sid = String(decodeJwt(user.accessToken)['sid'])
    const authentication = { at: new Date(Date.now() - 3_600_000), methods: ['pwd', 'otp', 'mfa'] } as const
    await server.app.sessions.authenticate(sid, authentication)
    const { body } = await server.post('/v1/auth/refresh', { refresh_token: user.refreshToken })
    return { ...user, ...tokensOf(body) }
  }

  const newEmail = () => `${crypto.randomUUID()}@example.com`
  const changes: [string, (user: Enrolled) => ReturnType<AppForTest['post']>][] = [
    [
      'POST /v1/me/mfa/totp',
      ({ bearer }) => server.post('/v1/me/mfa/totp', { current_password: password, name: 'N' }, bearer),
    ],
    ['POST /v1/me/mfa/recovery-codes', ({ bearer }) => server.post('/v1/me/mfa/recovery-codes', undefined, bearer)],
    ['PATCH /v1/me', ({ bearer }) => server.patch('/v1/me', { email: newEmail(), current_password: password }, bearer)],
    [
      'POST /v1/auth/password/change',
      ({ bearer }) =>
        server.post('/v1/auth/password/change', { current_password: password, new_password: `${password} 2` }, bearer),
    ],
    [
      'DELETE /v1/me/mfa/factors/:id',
      ({ bearer, factorId }) => server.delete(`/v1/me/mfa/factors/${factorId}`, bearer),
    ],
    ['DELETE /v1/me', ({ bearer }) => server.delete('/v1/me', bearer, { current_password: password })],
  ]

  test.each(changes)('%s needs a recent second factor', async (_route, change) => {
    const user = await oldSession()
    const refused = await change(user)
    expect(refused).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } })
    expect(refused.headers['www-authenticate']).toBe(
      'Bearer realm="auth", error="insufficient_user_authentication", acr_values="aal2", max_age="900"',
    )
    const stepped = await server.post('/v1/auth/step-up', { method: 'totp', code: codeOf(user.secret) }, user.bearer)
    expect(stepped).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
    expect(stepped.body).not.toHaveProperty('refresh_token')
    expect((await change({ ...user, ...tokensOf(stepped.body) })).status).toBeLessThan(300)
  })

  test('another name needs no second factor', async () => {
    const { bearer } = await oldSession()
    expect((await server.patch('/v1/me', { name: 'Other' }, bearer)).status).toBe(200)
  })

  test('a user without a second factor changes the password as before, and cannot step up', async () => {
    const { bearer } = await logIn(server)
    const stepped = await server.post('/v1/auth/step-up', { method: 'totp', code: '123456' }, bearer)
    expect(stepped).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const passwords = { current_password: password, new_password: 'a new horse battery' }
    expect((await server.post('/v1/auth/password/change', passwords, bearer)).status).toBe(204)
  })

  test('a session that ends during a step-up gets no token', async () => {
    const user = await enrol(server)
    using authenticate = vi.spyOn(server.app.sessions, 'authenticate').mockResolvedValueOnce(null)
    const stepped = await server.post('/v1/auth/step-up', { method: 'totp', code: codeOf(user.secret) }, user.bearer)
    expect(stepped).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
    expect(authenticate).toHaveBeenCalled()
  })

  test.each([
    ['acr=aal2', 200],
    ['acr=aal1', 200],
    ['max_age=900', 401],
    ['max_age=7200', 200],
    ['acr=aal2&max_age=900', 401],
    ['acr=aal3', 401],
    ['max_age=soon', 401],
    ['acr=aal1&acr=aal2', 401],
    ['max_age=', 401],
    ['page=2', 200],
  ])('verify?%s of a session whose second factor was an hour ago answers %i', async (query, status) => {
    const { bearer } = await oldSession()
    for (const method of ['GET', 'POST'] as const) {
      const answer = await server.app.inject({ method, url: `/v1/auth/verify?${query}`, headers: bearer })
      expect(answer.statusCode).toBe(status)
      if (status === 401) expect(answer.json().code).toBe('insufficient_user_authentication')
    }
    // The query of a path suffix is that of the original request.
    expect((await server.get(`/v1/auth/verify/orders?${query}`, bearer)).status).toBe(200)
  })

  test('verify?acr=aal2 refuses a session with a password only', async () => {
    const { bearer } = await logIn(server)
    const answer = await server.get('/v1/auth/verify?acr=aal2', bearer)
    expect(answer).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } })
    expect(answer.headers['www-authenticate']).toContain('acr_values="aal2"')
  })
})

describe('limits', () => {
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
    expect(await subjectsTo(user.email)).toContain('Your password may be known to another person')

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
})

describe('keys', () => {
  const keyOf = (kid: string, activateAt: string) => ({
    kid,
    key: randomBytes(32).toString('base64url'),
    createdAt: activateAt,
    activateAt,
  })

  test('a key in a file is replaced without a restart, and a secret is encrypted with the new one when it is used', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'authservice-mfa-keys-'))
    const file = join(folder, 'keys.json')
    const keys = [keyOf('first', '2026-01-01T00:00:00Z')]
    const write = () => writeFile(file, JSON.stringify({ version: 1, keys }))
    await write()
    const { MFA_SECRET: _, ...environment } = mfaEnvironment
    const rotating = await startApp({ ...environment, MFA_KEYS_FILE: file })
    try {
      const user = await enrol(rotating)
      const kid = async () => (await rotating.app.mfa.factors.find(user.id))?.factors[0]?.secret.kid
      expect(await kid()).toBe('first')
      keys.push(keyOf('second', '2026-02-01T00:00:00Z'))
      await write()
      await vi.waitFor(
        async () => {
          await forgetUsedCodes(rotating, user)
          expect((await secondStep(rotating, await firstStep(rotating, user), codeOf(user.secret))).status).toBe(200)
          expect(await kid()).toBe('second')
        },
        { timeout: 20_000, interval: 500 },
      )
      await forgetUsedCodes(rotating, user)
      expect((await secondStep(rotating, await firstStep(rotating, user), codeOf(user.secret))).status).toBe(200)
      // An unusable file changes nothing.
      await writeFile(file, '{}')
      await enrol(rotating)
    } finally {
      await rotating.close()
      await rm(folder, { recursive: true })
    }
  })

  test('a server does not start without its keys, and says which file it is', async () => {
    const { MFA_SECRET: _, ...environment } = mfaEnvironment
    const start = startApp({ ...environment, MFA_KEYS_FILE: '/nowhere/keys.json' })
    await expect(start).rejects.toThrow('the keys of second factors in /nowhere/keys.json cannot be read (ENOENT)')
  })

  test('a secret whose key is missing is a fault of the server, and not of the user', async () => {
    const databaseName = freshDatabase()
    const first = await startApp({ ...mfaEnvironment, DATABASE_NAME: databaseName })
    const user = await enrol(first)
    await first.close()
    const second = await startApp({
      ...mfaEnvironment,
      DATABASE_NAME: databaseName,
      MFA_SECRET: 'another secret of second factors in a test',
    })
    try {
      const token = await firstStep(second, user)
      const answer = await secondStep(second, token, codeOf(user.secret))
      expect(answer).toMatchObject({ status: 503, body: { code: 'mfa_unreadable' } })
      // A recovery code needs no key.
      const [code = ''] = user.recoveryCodes
      const completed = await secondStep(second, token, code, {}, 'recovery_code')
      expect(completed.status).toBe(200)
      const stepUp = { method: 'totp', code: codeOf(user.secret) }
      const stepped = await second.post('/v1/auth/step-up', stepUp, tokensOf(completed.body).bearer)
      expect(stepped).toMatchObject({ status: 503, body: { code: 'mfa_unreadable' } })
    } finally {
      await second.close()
    }
  })
})

describe('faults', () => {
  test('without a signing key, no step completes, and says so', async () => {
    const [user, plain] = [await enrol(server), await logIn(server)]
    const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, plain.bearer)
    const mfaToken = await firstStep(server, user)
    using signer = vi.spyOn(server.app.tokens.keys, 'signer').mockReturnValue(undefined)
    const code = codeOf(String(started.body['secret']))
    const [first = '', second = ''] = user.recoveryCodes
    const answers = [
      await secondStep(server, mfaToken, first, {}, 'recovery_code'),
      await server.post('/v1/auth/step-up', { method: 'recovery_code', code: second }, user.bearer),
      await server.post('/v1/me/mfa/totp/confirm', { token: started.body['token'], code }, plain.bearer),
    ]
    for (const answer of answers) expect(answer).toMatchObject({ status: 503, body: { code: 'not_ready' } })
    expect(signer).toHaveBeenCalled()
  })

  test('an enrolment that conflicts with other changes may be repeated', async () => {
    const plain = await logIn(server)
    const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, plain.bearer)
    const confirmation = { token: started.body['token'], code: codeOf(String(started.body['secret'])) }
    const confirm = () => server.post('/v1/me/mfa/totp/confirm', confirmation, plain.bearer)
    using transaction = vi
      .spyOn(server.app.mongo, 'transaction')
      .mockRejectedValueOnce(new TransactionConflictError('a conflict of this test'))
    expect(await confirm()).toMatchObject({ status: 503, body: { code: 'busy' } })
    expect(transaction).toHaveBeenCalled()
    expect((await confirm()).status).toBe(200)
  })

  test('a user over the limit of sensitive changes is refused', async () => {
    const strict = await startApp({ ...mfaEnvironment, RATE_LIMIT_SENSITIVE: '2/h' })
    try {
      const user = await enrol(strict)
      const answers = [
        await strict.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, user.bearer),
        await strict.post('/v1/me/mfa/totp/confirm', { token: 'x', code: '123456' }, user.bearer),
        await strict.post('/v1/me/mfa/recovery-codes', undefined, user.bearer),
        await strict.delete(`/v1/me/mfa/factors/${user.factorId}`, user.bearer),
      ]
      for (const answer of answers) expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    } finally {
      await strict.close()
    }
  })
})

test('with second factors off, a login needs the password only, its tokens are as before, and there are no routes', async () => {
  const off = await startApp()
  try {
    const { accessToken, bearer } = await logIn(off)
    expect(Object.keys(decodeJwt(accessToken))).not.toEqual(expect.arrayContaining(['amr']))
    expect((await off.get('/v1/me/mfa', bearer)).status).toBe(404)
    expect((await off.post('/v1/auth/login/mfa', {})).status).toBe(404)
    const session = await off.app.mongo.db.collection('sessions').findOne({})
    expect(session).not.toHaveProperty('authentication')
    const verified = await off.get('/v1/auth/verify', bearer)
    expect(Object.keys(verified.body).sort()).toEqual(['active', 'exp', 'role', 'sid', 'sub'])
    expect(verified.headers).not.toHaveProperty('x-auth-acr')
  } finally {
    await off.close()
  }
})
