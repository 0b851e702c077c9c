import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { reencryptSecrets } from '../../../api-server/plugins/app/mfa/reencryption.ts'
import type { CreationOptions } from '../../../api-server/plugins/app/passkeys/options.ts'
import { TransactionConflictError } from '../../../api-server/plugins/external/transaction.ts'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp, tokensOf } from './app-for-test.ts'
import {
  addPasskey,
  enrolPasskey,
  firstPasskeyStep,
  logInByPasskey,
  loginOptions,
  optionsOf,
  type PasskeyUser,
  passkeyEnvironment,
  secondPasskeyStep,
  startPasskey,
  stepUpByPasskey,
} from './passkey-user.ts'
import {
  addTotp,
  codeOf,
  firstStep,
  forgetUsedCodes,
  type MfaDeployment,
  secondStep,
  startDeployment,
} from './second-factor.ts'
import { SoftwareAuthenticator } from './software-authenticator.ts'

let deployment: MfaDeployment
let server: AppForTest
/** Another server of the same deployment. */
let other: AppForTest
let events: { event: string; reason?: string; userId?: string }[] = []

beforeAll(async () => {
  deployment = await startDeployment(passkeyEnvironment)
  ;({ server, other } = deployment)
  server.app.securityEvents.subscribe((event) => events.push(event))
})
beforeEach(() => {
  events = []
})
afterAll(() => deployment.close())

const storedPasskey = async ({ id, factorId }: PasskeyUser) =>
  (await server.app.mfa.factors.find(id))?.factors.find((factor) => factor.id === factorId)

describe('adding a passkey', () => {
  test('the options describe the user, and name no email in the user handle', async () => {
    const user = await logIn(server)
    const started = await startPasskey(server, user)
    expect(started).toMatchObject({
      status: 200,
      body: {
        rp: { id: 'example.com', name: 'Example' },
        user: { name: user.email, displayName: 'Test User' },
        timeout: 60_000,
        attestation: 'none',
        excludeCredentials: [],
      },
    })
    expect(started.headers['cache-control']).toBe('no-store')
    const handle = optionsOf<CreationOptions>(started).user.id
    expect(Buffer.from(handle, 'base64url')).toHaveLength(32)
    expect(optionsOf<CreationOptions>(await startPasskey(server, user)).user.id).toBe(handle)
  })

  test('the first passkey comes with recovery codes, a new session and a mail', async () => {
    const user = await logIn(server)
    const added = await addPasskey(server, user)
    expect(added).toMatchObject({ status: 200, body: { recovery_codes: Array(10).fill(expect.any(String)) } })
    expect((await server.get('/v1/me', user.bearer)).body).toMatchObject({ code: 'session_revoked' })
    const { bearer, accessToken } = tokensOf(added.body)
    expect(decodeJwt(accessToken)).toMatchObject({ amr: ['pwd', 'hwk', 'user', 'mfa'], acr: 'aal2' })
    expect((await server.get('/v1/me/mfa', bearer)).body).toMatchObject({
      factors: [{ id: added.body['factor_id'], type: 'passkey', name: 'Laptop', backed_up: false }],
      recovery_codes_left: 10,
    })
    expect(await deployment.subjectsTo(user.email)).toContain('A second factor was added to your account')
    expect(events).toContainEqual(expect.objectContaining({ event: 'authn_mfa_enrolled', reason: 'passkey' }))
  })

  test('an authenticator that has a passkey of the user is told so, and app and passkeys share their limit', async () => {
    const user = await enrolPasskey(server)
    const options = optionsOf<CreationOptions>(await startPasskey(server, user))
    expect(options.excludeCredentials).toEqual([
      { id: expect.any(String), type: 'public-key', transports: ['internal'] },
    ])
    await server.app.mongo.db
      .collection('second_factors')
      .updateOne({ _id: user.id as never }, [{ $set: { factors: { $concatArrays: Array(10).fill('$factors') } } }])
    expect(await startPasskey(server, user)).toMatchObject({ status: 409, body: { code: 'mfa_too_many' } })
    const credential = user.authenticator.create(options)
    const confirmed = await server.post('/v1/me/mfa/passkeys/confirm', { name: 'Phone', credential }, user.bearer)
    expect(confirmed).toMatchObject({ status: 409, body: { code: 'mfa_too_many' } })
  })

  test('of two users with the same credential, the second one is refused', async () => {
    const [first, second] = [await enrolPasskey(server), await logIn(server)]
    const stored = await storedPasskey(first)
    const options = optionsOf<CreationOptions>(await startPasskey(server, second))
    const credential = new SoftwareAuthenticator().create(
      options,
      {},
      stored?.type === 'passkey' ? stored.credentialId : undefined,
    )
    const confirm = () => server.post('/v1/me/mfa/passkeys/confirm', { name: 'Mine', credential }, second.bearer)
    expect(await confirm()).toMatchObject({ status: 409, body: { code: 'passkey_taken' } })
    expect((await server.get('/v1/me/mfa', second.bearer)).body).toMatchObject({ factors: [] })
    expect((await logInByPasskey(server, first.authenticator)).status).toBe(200)
  })

  test('a passkey cannot be added twice by one user', async () => {
    const user = await enrolPasskey(server)
    const stored = await storedPasskey(user)
    const options = optionsOf<CreationOptions>(await startPasskey(server, user))
    const credential = new SoftwareAuthenticator().create(
      options,
      {},
      stored?.type === 'passkey' ? stored.credentialId : undefined,
    )
    const again = await server.post('/v1/me/mfa/passkeys/confirm', { name: 'Again', credential }, user.bearer)
    expect(again).toMatchObject({ status: 409, body: { code: 'passkey_taken' } })
  })

  test('only the allowed models are accepted, and the options ask for the model', async () => {
    const [allowed, refused] = ['2fc0579f-8113-47ea-b116-bb5a8db9202a', 'ee882879-721c-4913-9775-3dfcce97072a']
    const strict = await startApp({ ...passkeyEnvironment, WEBAUTHN_AAGUIDS: String(allowed).toUpperCase() })
    try {
      const user = await logIn(strict)
      expect((await startPasskey(strict, user)).body).toMatchObject({ attestation: 'direct' })
      const answer = await addPasskey(strict, user, new SoftwareAuthenticator({ aaguid: String(refused) }))
      expect(answer).toMatchObject({ status: 403, body: { code: 'passkey_not_allowed' } })
      expect(answer.body['detail']).toContain(refused)
      const accepted = await addPasskey(strict, user, new SoftwareAuthenticator({ aaguid: String(allowed) }))
      expect(accepted.status).toBe(200)
    } finally {
      await strict.close()
    }
  })

  test('without a key that signs, or after repeated conflicts, the client is told to come back', async () => {
    const user = await logIn(server)
    const options = optionsOf<CreationOptions>(await startPasskey(server, user))
    const confirm = (credential: unknown) =>
      server.post('/v1/me/mfa/passkeys/confirm', { name: 'Laptop', credential }, user.bearer)
    const authenticator = new SoftwareAuthenticator()
    const transaction = vi
      .spyOn(server.app.mongo, 'transaction')
      .mockRejectedValue(new TransactionConflictError('a conflict of this test'))
    expect(await confirm(authenticator.create(options))).toMatchObject({ status: 503, body: { code: 'busy' } })
    transaction.mockRestore()
    const again = authenticator.create(optionsOf<CreationOptions>(await startPasskey(server, user)))
    const signer = vi.spyOn(server.app.tokens.keys, 'signer').mockReturnValue(undefined)
    expect(await confirm(again)).toMatchObject({ status: 503, body: { code: 'not_ready' } })
    signer.mockRestore()
  })

  test('the user document stays as it is', async () => {
    const { email } = await enrolPasskey(server)
    const document = await server.app.mongo.db.collection('users').findOne({ email })
    const fields = ['_id', 'created_at', 'email', 'is_active', 'last_login', 'name', 'password_hash', 'role']
    expect(Object.keys(document ?? {}).sort()).toEqual([...fields, 'updated_at'])
  })
})

describe('a login with a passkey alone', () => {
  test('works on any server, with the claims of two factors, and refreshes keep them', async () => {
    const user = await enrolPasskey(server)
    const options = await loginOptions(server)
    expect(options).toMatchObject({ rpId: 'example.com', allowCredentials: [], userVerification: 'required' })
    const credential = user.authenticator.get(options)
    const answer = await other.post('/v1/auth/passkeys/login', { credential })
    expect(answer).toMatchObject({ status: 200, body: { user: { email: user.email } } })
    const { accessToken, refreshToken } = tokensOf(answer.body)
    const claims = decodeJwt(accessToken)
    expect(claims).toMatchObject({ amr: ['hwk', 'user', 'mfa'], acr: 'aal2', auth_time: expect.any(Number) })
    const refreshed = await server.post('/v1/auth/refresh', { refresh_token: refreshToken })
    const { amr, acr, auth_time } = claims
    expect(decodeJwt(tokensOf(refreshed.body).accessToken)).toMatchObject({ amr, acr, auth_time })
  })

  test('with a synced passkey without a counter works any number of times', async () => {
    const user = await enrolPasskey(server, new SoftwareAuthenticator({ isSynced: true, hasCounter: false }))
    for (let login = 0; login < 3; login++) {
      const answer = await logInByPasskey(server, user.authenticator)
      expect(decodeJwt(tokensOf(answer.body).accessToken)).toMatchObject({ amr: ['swk', 'user', 'mfa'] })
    }
    expect((await server.get('/v1/me/mfa', user.bearer)).body).toMatchObject({ factors: [{ backed_up: true }] })
  })

  test('records the use', async () => {
    const user = await enrolPasskey(server)
    const users = server.app.mongo.db.collection('users')
    await users.updateOne({ email: user.email }, { $set: { last_login: new Date('2020-01-01') } })
    const before = await storedPasskey(user)
    await logInByPasskey(server, user.authenticator)
    const after = await storedPasskey(user)
    expect(after).toMatchObject({ counter: 1 })
    expect(after?.lastUsedAt.getTime()).toBeGreaterThan(before?.lastUsedAt.getTime() ?? Number.POSITIVE_INFINITY)
    const document = await users.findOne({ email: user.email })
    expect(document?.['last_login'].getTime()).toBeGreaterThan(Date.now() - 60_000)
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'authn_login_success', reason: 'passkey', userId: user.id.toString() }),
    )
  })

  test('ends the session that the browser had, and is bound to its cookie, in cookie mode', async () => {
    const browser = await startApp({ ...passkeyEnvironment, COOKIE_MODE: 'true' })
    try {
      const user = await enrolPasskey(browser)
      const asked = await browser.post('/v1/auth/passkeys/options', undefined)
      const cookie = [asked.headers['set-cookie']].flat().find((each) => String(each).startsWith('__Host-passkey='))
      expect(cookie).toMatch(/; Max-Age=60; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
      const credential = user.authenticator.get(optionsOf(asked))
      const without = await browser.post('/v1/auth/passkeys/login', { credential })
      expect(without).toMatchObject({ status: 403, body: { code: 'passkey_refused' } })
      const headers = { cookie: String(cookie).split(';')[0] ?? '' }
      // Another tab.
      expect((await loginOptions(browser, headers)).challenge).not.toBe(
        optionsOf<{ challenge: string } & CreationOptions>(asked).challenge,
      )
      const answer = await browser.post('/v1/auth/passkeys/login', { credential }, headers)
      expect(answer).toMatchObject({ status: 200, body: { csrf_token: expect.any(String) } })
      expect(answer.body).not.toHaveProperty('refresh_token')
    } finally {
      await browser.close()
    }
  })

  test('works on a known device, and without a key that signs answers 503', async () => {
    const user = await enrolPasskey(server)
    const first = await logInByPasskey(server, user.authenticator)
    const cookie = [first.headers['set-cookie']].flat().find((each) => String(each).startsWith('__Host-device='))
    const headers = { cookie: String(cookie).split(';')[0] ?? '' }
    const again = await server.post(
      '/v1/auth/passkeys/login',
      { credential: user.authenticator.get(await loginOptions(server)) },
      headers,
    )
    expect(again.status).toBe(200)
    // The device keeps its cookie.
    expect(JSON.stringify(again.headers['set-cookie'] ?? '')).not.toContain('__Host-device')
    const credential = user.authenticator.get(await loginOptions(server))
    const signer = vi.spyOn(server.app.tokens.keys, 'signer').mockReturnValue(undefined)
    expect(await server.post('/v1/auth/passkeys/login', { credential })).toMatchObject({ body: { code: 'not_ready' } })
    signer.mockRestore()
  })

  test('attempts are limited by address, and successful ones are not counted', async () => {
    const strict = await startApp({ ...passkeyEnvironment, RATE_LIMIT_LOGIN: '5/h' })
    try {
      const user = await enrolPasskey(strict)
      for (let login = 0; login < 6; login++) {
        expect((await logInByPasskey(strict, user.authenticator)).status).toBe(200)
      }
      const statuses = []
      for (let attempt = 0; attempt < 6; attempt++) {
        statuses.push((await logInByPasskey(strict, user.authenticator, { origin: 'https://evil.example' })).status)
      }
      expect(statuses).toContain(403)
      expect(statuses.at(-1)).toBe(429)
    } finally {
      await strict.close()
    }
  })

  test('costs no database before the response of an authenticator', async () => {
    const before = await server.app.mongo.db.collection('mfa_challenges').countDocuments()
    for (let request = 0; request < 50; request++) await loginOptions(server)
    expect(await server.app.mongo.db.collection('mfa_challenges').countDocuments()).toBe(before)
  })
})

describe('the second step of a login with a passkey', () => {
  test('completes a login, and needs no verification of the user', async () => {
    const user = await enrolPasskey(server)
    const { mfaToken, options } = await firstPasskeyStep(server, user)
    expect(options).toMatchObject({ userVerification: 'preferred', allowCredentials: [{ transports: ['internal'] }] })
    const credential = user.authenticator.get(options, { isUserVerified: false })
    const answer = await other.post('/v1/auth/login/mfa/passkey', { mfa_token: mfaToken, credential })
    expect(answer.status).toBe(200)
    expect(decodeJwt(tokensOf(answer.body).accessToken)).toMatchObject({
      amr: ['pwd', 'hwk', 'user', 'mfa'],
      acr: 'aal2',
    })
  })

  test('may be a recovery code instead, or a code of an app that the user also has', async () => {
    const user = await enrolPasskey(server)
    const byRecovery = await secondStep(
      server,
      await firstStep(server, user),
      user.recoveryCodes[0] ?? '',
      {},
      'recovery_code',
    )
    expect(byRecovery.status).toBe(200)
    const { secret, confirmed } = await addTotp(server, user)
    expect(confirmed).toMatchObject({ status: 200, body: { recovery_codes: null } })
    const first = await server.post('/v1/auth/login', { email: user.email, password })
    expect(first.body['factors']).toMatchObject([{ type: 'passkey', name: 'Laptop' }, { type: 'totp' }])
    await forgetUsedCodes(server, user)
    expect((await secondStep(server, String(first.body['mfa_token']), codeOf(secret))).status).toBe(200)
    expect((await secondPasskeyStep(server, user)).status).toBe(200)
  })

  test('ends with the fifth refused passkey, and locks after ten', async () => {
    const user = await enrolPasskey(server)
    const { mfaToken, options } = await firstPasskeyStep(server, user)
    const send = (deviation = {}) =>
      server.post('/v1/auth/login/mfa/passkey', {
        mfa_token: mfaToken,
        credential: user.authenticator.get(options, deviation),
      })
    for (let wrong = 0; wrong < 5; wrong++) expect((await send({ origin: 'https://evil.example' })).status).toBe(403)
    expect(await send()).toMatchObject({ status: 401, body: { code: 'mfa_token_invalid' } })
    for (let wrong = 0; wrong < 5; wrong++) {
      await secondPasskeyStep(server, user, { origin: 'https://evil.example' })
    }
    expect(await secondPasskeyStep(server, user)).toMatchObject({ status: 429, body: { code: 'locked' } })
    expect(await deployment.subjectsTo(user.email)).toContain('Your password may be known to another person')
    expect(events).toContainEqual(expect.objectContaining({ event: 'authn_mfa_lock', reason: 'passkey' }))
    // A passkey alone cannot be guessed, so nobody can lock its owner out.
    expect((await logInByPasskey(server, user.authenticator)).status).toBe(200)
  })

  test('without a key that signs, the client is told to come back', async () => {
    const user = await enrolPasskey(server)
    const { mfaToken, options } = await firstPasskeyStep(server, user)
    const credential = user.authenticator.get(options)
    using signer = vi.spyOn(server.app.tokens.keys, 'signer').mockReturnValue(undefined)
    const answer = await server.post('/v1/auth/login/mfa/passkey', { mfa_token: mfaToken, credential })
    expect(answer).toMatchObject({ status: 503, body: { code: 'not_ready' } })
    expect(signer).toHaveBeenCalled()
  })
})

describe('a counter that goes back', () => {
  test('is refused, recorded and mailed, and the owner can still log in', async () => {
    const user = await enrolPasskey(server)
    const thief = user.authenticator.copy()
    await logInByPasskey(server, user.authenticator)
    await logInByPasskey(server, user.authenticator)
    const refused = await logInByPasskey(server, thief)
    expect(refused).toMatchObject({ status: 403, body: { code: 'passkey_refused' } })
    expect(refused.body['detail']).toContain('counter')
    expect(await deployment.subjectsTo(user.email)).toContain('One of your passkeys may have been copied')
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'authn_mfa_passkey_copied', reason: user.factorId, userId: user.id.toString() }),
    )
    expect(await storedPasskey(user)).toMatchObject({ counter: 2 })
    expect((await logInByPasskey(server, user.authenticator)).status).toBe(200)
  })

  test('of two uses with the same counter at the same time, one is accepted', async () => {
    const user = await enrolPasskey(server)
    const copies = Array.from({ length: 8 }, () => user.authenticator.copy())
    const credentials = await Promise.all(copies.map(async (copy) => copy.get(await loginOptions(server))))
    const answers = await Promise.all(
      credentials.map((credential, index) =>
        (index % 2 === 0 ? server : other).post('/v1/auth/passkeys/login', { credential }),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(7)
  })

  test('is refused in the second step and in a step-up too', async () => {
    const user = await enrolPasskey(server)
    const authenticator = user.authenticator.copy()
    await logInByPasskey(server, user.authenticator)
    const thief = { ...user, authenticator }
    expect(await secondPasskeyStep(server, thief)).toMatchObject({ status: 403, body: { code: 'passkey_refused' } })
    expect(
      await stepUpByPasskey(server, { ...thief, authenticator: authenticator.copy() }, { counter: 1 }),
    ).toMatchObject({ status: 403, body: { code: 'passkey_refused' } })
  })
})

test('of 100 concurrent uses of one response over two servers, one is accepted', async () => {
  const user = await enrolPasskey(server, new SoftwareAuthenticator({ isSynced: true, hasCounter: false }))
  const credential = user.authenticator.get(await loginOptions(server))
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      (index % 2 === 0 ? server : other).post('/v1/auth/passkeys/login', { credential }),
    ),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

describe('a step-up by a passkey', () => {
  test('allows changes of credentials in an old session, and keeps how it began', async () => {
    const user = await enrolPasskey(server)
    const { sid } = decodeJwt(user.accessToken)
    const methods = ['pwd', 'hwk', 'user', 'mfa'] as const
    await server.app.sessions.authenticate(String(sid), { at: new Date(Date.now() - 3_600_000), methods })
    const old = tokensOf((await server.post('/v1/auth/refresh', { refresh_token: user.refreshToken })).body)
    const renew = (bearer: { authorization: string }) => server.post('/v1/me/mfa/recovery-codes', undefined, bearer)
    expect((await renew(old.bearer)).body).toMatchObject({ code: 'insufficient_user_authentication' })
    const steppedUp = await stepUpByPasskey(server, { ...user, bearer: old.bearer }, { isUserVerified: false })
    expect(steppedUp.status).toBe(200)
    const { bearer, accessToken } = tokensOf(steppedUp.body)
    expect(decodeJwt(accessToken)).toMatchObject({ amr: methods, sid })
    expect((await renew(bearer)).status).toBe(200)
  })

  test('needs verification of the user in a session that began without a password', async () => {
    const user = await enrolPasskey(server)
    const { bearer } = tokensOf((await logInByPasskey(server, user.authenticator)).body)
    const unverified = await stepUpByPasskey(server, { ...user, bearer }, { isUserVerified: false })
    expect(unverified).toMatchObject({ status: 403, body: { code: 'passkey_refused' } })
    const verified = await stepUpByPasskey(server, { ...user, bearer })
    expect(decodeJwt(tokensOf(verified.body).accessToken)).toMatchObject({ amr: ['hwk', 'user', 'mfa'] })
  })

  test('answers as other step-ups without a second factor, when locked, and without a key that signs', async () => {
    const [plain, user] = [await logIn(server), await enrolPasskey(server)]
    const foreign = { ...plain, authenticator: user.authenticator }
    expect(await stepUpByPasskey(server, foreign)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const signer = vi.spyOn(server.app.tokens.keys, 'signer').mockReturnValue(undefined)
    expect(await stepUpByPasskey(server, user)).toMatchObject({ status: 503, body: { code: 'not_ready' } })
    signer.mockRestore()
    for (let wrong = 0; wrong < 10; wrong++) await stepUpByPasskey(server, user, { type: 'webauthn.create' })
    expect(await stepUpByPasskey(server, user)).toMatchObject({ status: 429, body: { code: 'locked' } })
  })
})

test('a user who must enrol a second factor adds a passkey instead of an app', async () => {
  const [before, required] = await deploymentThatRequires()
  try {
    const { email } = await logIn(before)
    const first = await required.post('/v1/auth/login', { email, password })
    expect(first).toMatchObject({ status: 202, body: { status: 'enrolment_required' } })
    const bearer = { authorization: `Bearer ${first.body['enrolment_token']}` }
    const authenticator = new SoftwareAuthenticator()
    const added = await addPasskey(required, { bearer }, authenticator)
    expect(added).toMatchObject({ status: 200, body: { user: { email } } })
    expect((await required.get('/v1/me', tokensOf(added.body).bearer)).status).toBe(200)
    expect((await logInByPasskey(required, authenticator)).status).toBe(200)
    // The token was good for one factor.
    expect(await startPasskey(required, { bearer })).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  } finally {
    await Promise.all([before.close(), required.close()])
  }
})

async function deploymentThatRequires(): Promise<[AppForTest, AppForTest]> {
  const environment = { ...passkeyEnvironment, DATABASE_NAME: freshDatabase() }
  return [await startApp(environment), await startApp({ ...environment, MFA_MODE: 'required' })]
}

test('re-encrypting secrets passes over passkeys', async () => {
  const user = await enrolPasskey(server)
  await addTotp(server, user)
  await server.app.mongo.db
    .collection('second_factors')
    .updateOne({ _id: user.id as never }, { $set: { 'factors.1.secret.kid': 'gone' } })
  const { unreadableUsers } = await reencryptSecrets(server.app, new Date())
  expect(unreadableUsers).toContain(user.id.toString())
  expect(await storedPasskey(user)).toMatchObject({ type: 'passkey', counter: 0 })
})

test('a user renames a passkey', async () => {
  const user = await enrolPasskey(server)
  const renamed = await server.patch(`/v1/me/mfa/factors/${user.factorId}`, { name: 'Old laptop' }, user.bearer)
  expect(renamed).toMatchObject({ status: 200, body: { type: 'passkey', name: 'Old laptop', backed_up: false } })
  expect((await logInByPasskey(server, user.authenticator)).status).toBe(200)
})

describe('removal', () => {
  test('a removed passkey no longer logs in, and the user document has no factors left', async () => {
    const user = await enrolPasskey(server)
    expect((await server.delete(`/v1/me/mfa/factors/${user.factorId}`, user.bearer)).status).toBe(204)
    expect(await logInByPasskey(server, user.authenticator)).toMatchObject({ status: 403 })
    expect(await server.app.mfa.factors.find(user.id)).toBeNull()
    expect((await logIn(server, user.email)).accessToken).not.toBe('')
  })

  test('an administrator resets passkeys, and deleting a user deletes them', async () => {
    const [user, gone] = [await enrolPasskey(server), await enrolPasskey(server)]
    const admin = await logInAsAdmin(server)
    const reset = await server.post(`/v1/admin/users/${user.id}/mfa/reset`, undefined, admin.bearer)
    expect(reset.status).toBe(204)
    expect(await logInByPasskey(server, user.authenticator)).toMatchObject({ status: 403 })
    await logInByPasskey(server, gone.authenticator)
    expect(await server.delete('/v1/me', gone.bearer, { current_password: password })).toMatchObject({ status: 204 })
    const { db } = server.app.mongo
    expect(await db.collection('second_factors').countDocuments({ _id: gone.id as never })).toBe(0)
    expect(await db.collection('mfa_challenges').countDocuments({ userId: gone.id })).toBe(0)
    expect(await logInByPasskey(server, gone.authenticator)).toMatchObject({ status: 403 })
  })
})

test('without WEBAUTHN_RP_ID, there are no routes for passkeys, and without MFA_MODE neither', async () => {
  const { WEBAUTHN_RP_ID, WEBAUTHN_ORIGINS, ...withoutPasskeys } = passkeyEnvironment
  for (const environment of [withoutPasskeys, { WEBAUTHN_RP_ID, WEBAUTHN_ORIGINS }]) {
    const plain = await startApp(environment as typeof passkeyEnvironment)
    try {
      for (const path of ['/v1/auth/passkeys/options', '/v1/auth/passkeys/login', '/v1/auth/login/mfa/passkey']) {
        expect(await plain.post(path, {})).toMatchObject({ status: 404 })
      }
    } finally {
      await plain.close()
    }
  }
})
