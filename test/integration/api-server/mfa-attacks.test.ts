import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProblemCode, problemCatalog } from '../../../api-server/plugins/app/problems/problem.ts'
import {
  type Answer,
  type AppForTest,
  freshDatabase,
  logIn,
  logInAsAdmin,
  password,
  startApp,
  tokensOf,
} from './app-for-test.ts'
import {
  addTotp,
  agedSession,
  codeOf,
  type Enrolled,
  earlyInStep,
  enrol,
  firstStep,
  forgetUsedCodes,
  mfaEnvironment,
  secondStep,
  storedTotp,
  wrongCodeOf,
} from './second-factor.ts'

/** Attempts to get past a second factor, each with the refusal that it must get. None may be accepted. */
let server: AppForTest
/** Another server of the same deployment. */
let other: AppForTest
/** The same database, with another key of second factors and another issuer. */
let foreign: AppForTest

beforeAll(async () => {
  const environment = { ...mfaEnvironment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  other = await startApp(environment)
  foreign = await startApp({
    ...mfaEnvironment,
    DATABASE_NAME: freshDatabase(),
    JWT_ISSUER: 'https://other.example.com',
  })
})
afterAll(() => Promise.all([server.close(), other.close(), foreign.close()]))

const agent = (name: string) => ({ 'user-agent': name })
const bearerOf = (token: string) => ({ authorization: `Bearer ${token}` })
const step = async (user: Enrolled, code: string, method = 'totp') =>
  secondStep(server, await firstStep(server, user), code, {}, method)
const stepUp = (user: Pick<Enrolled, 'bearer'>, code: string, method = 'totp') =>
  server.post('/v1/auth/step-up', { method, code }, user.bearer)
const collection = (name: string) => server.app.mongo.db.collection<{ _id: string }>(name)
const userOf = async ({ id }: Enrolled) => {
  const user = await server.app.users.findById(id.toString())
  if (user === null) throw new Error('the user is gone')
  return user
}
const remove = ({ factorId, bearer }: Enrolled) => server.delete(`/v1/me/mfa/factors/${factorId}`, bearer)
const start = ({ bearer }: Pick<Enrolled, 'bearer'>) =>
  server.post('/v1/me/mfa/totp', { current_password: password, name: 'Mine' }, bearer)
const confirm = ({ bearer }: Pick<Enrolled, 'bearer'>, { body }: Answer, code: string) =>
  server.post('/v1/me/mfa/totp/confirm', { token: body['token'], code }, bearer)

/** A session of the victim that a thief has. */
const stolen = (user: Enrolled) => agedSession(server, user)

type Attack = (victim: Enrolled) => Promise<Answer>

// biome-ignore format: a table
const attacks: [string, ProblemCode, Attack][] = [
  // Skipping a step.
  ['the password alone gives no session', 'token_invalid', async (v) => server.get('/v1/me', bearerOf(String((await server.post('/v1/auth/login', { email: v.email, password })).body['access_token'])))],
  ['an mfa_token as an access token', 'token_invalid', async (v) => server.get('/v1/me', bearerOf(await firstStep(server, v)))],
  ['an mfa_token as an access token of verify', 'token_invalid', async (v) => server.get('/v1/auth/verify', bearerOf(await firstStep(server, v)))],
  ['an mfa_token as a refresh token', 'refresh_invalid', async (v) => server.post('/v1/auth/refresh', { refresh_token: await firstStep(server, v) })],
  ['an mfa_token as the token of a mailed link', 'one_time_token_invalid', async (v) => server.post('/v1/auth/password/reset', { token: await firstStep(server, v), new_password: 'a new horse battery' })],
  ['an mfa_token as the token of an enrolment', 'not_found', async (v) => confirm(v, { status: 0, headers: {}, body: { token: await firstStep(server, v) } }, codeOf(v.secret))],
  ['the token of an enrolment as an mfa_token', 'mfa_token_invalid', async (v) => secondStep(server, String((await start(v)).body['token']), codeOf(v.secret))],
  ['an access token as an mfa_token', 'mfa_token_invalid', async (v) => secondStep(server, v.accessToken.slice(0, 128), codeOf(v.secret))],
  ['a refresh token as an mfa_token', 'mfa_token_invalid', async (v) => secondStep(server, v.refreshToken, codeOf(v.secret))],
  ['a code without an mfa_token', 'validation_failed', (v) => server.post('/v1/auth/login/mfa', { method: 'totp', code: codeOf(v.secret) })],
  ['the password together with a code in the first step', 'validation_failed', (v) => server.post('/v1/auth/login', { email: v.email, password, code: codeOf(v.secret) })],
  ['a code after a wrong password', 'mfa_token_invalid', async (v) => secondStep(server, String((await server.post('/v1/auth/login', { email: v.email, password: 'wrong horse battery' })).body['mfa_token']), codeOf(v.secret))],
  // Wrong codes.
  ['a wrong code', 'mfa_code_wrong', async (v) => step(v, wrongCodeOf(v.secret))],
  ['an empty code', 'validation_failed', async (v) => step(v, '')],
  ['a code of two steps ago', 'mfa_code_wrong', async (v) => step(v, codeOf(v.secret, -2))],
  ['a code of two steps from now', 'mfa_code_wrong', async (v) => { await earlyInStep(); return step(v, codeOf(v.secret, 2)) }],
  ['several codes at once', 'mfa_code_wrong', async (v) => step(v, `${wrongCodeOf(v.secret)} ${codeOf(v.secret)}`)],
  ['codes in a list', 'validation_failed', async (v) => server.post('/v1/auth/login/mfa', { mfa_token: await firstStep(server, v), method: 'totp', code: [codeOf(v.secret)] })],
  ['a code as a number', 'validation_failed', async (v) => server.post('/v1/auth/login/mfa', { mfa_token: await firstStep(server, v), method: 'totp', code: Number(codeOf(v.secret)) })],
  ['an operator of the database as a code', 'validation_failed', async (v) => server.post('/v1/auth/login/mfa', { mfa_token: await firstStep(server, v), method: 'totp', code: { $gt: '' } })],
  ['an operator of the database as an mfa_token', 'validation_failed', (v) => server.post('/v1/auth/login/mfa', { mfa_token: { $gt: '' }, method: 'totp', code: codeOf(v.secret) })],
  ['a method that does not exist', 'validation_failed', async (v) => step(v, codeOf(v.secret), 'none')],
  ['a code of an app as a recovery code', 'mfa_code_wrong', async (v) => step(v, codeOf(v.secret), 'recovery_code')],
  ['a recovery code as a code of an app', 'mfa_code_wrong', async (v) => step(v, v.recoveryCodes[0] ?? '')],
  ['the stored hash of a recovery code', 'mfa_code_wrong', async (v) => step(v, (await server.app.mfa.factors.find(v.id))?.recoveryCodes[0] ?? '', 'recovery_code')],
  ['the stored secret of an app', 'mfa_code_wrong', async (v) => step(v, (await storedTotp(server, v)).secret.data)],
  // Reuse.
  ['a code that was used', 'mfa_code_wrong', async (v) => { const code = codeOf(v.secret); await step(v, code); return step(v, code) }],
  ['a code that was used on another server', 'mfa_code_wrong', async (v) => { const code = codeOf(v.secret); await secondStep(other, await firstStep(other, v), code); return step(v, code) }],
  ['a code that was used for a step-up', 'mfa_code_wrong', async (v) => { const code = codeOf(v.secret); await stepUp(v, code); return step(v, code) }],
  ['a code that was used for a login, for a step-up', 'mfa_code_wrong', async (v) => { const code = codeOf(v.secret); await step(v, code); return stepUp(v, code) }],
  ['the code that confirmed the app', 'mfa_code_wrong', async () => { const user = await logIn(server); const { secret, confirmed } = await addTotp(server, user); return stepUp(tokensOf(confirmed.body), codeOf(secret)) }],
  ['a code before the one that was used', 'mfa_code_wrong', async (v) => { await step(v, codeOf(v.secret, 1)); return step(v, codeOf(v.secret)) }],
  ['a recovery code that was used', 'mfa_code_wrong', async (v) => { await step(v, v.recoveryCodes[0] ?? '', 'recovery_code'); return step(v, v.recoveryCodes[0] ?? '', 'recovery_code') }],
  ['an mfa_token that was used', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await secondStep(server, token, codeOf(v.secret)); return secondStep(server, token, codeOf(v.secret, 1)) }],
  ['an mfa_token after five wrong codes', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); for (let wrong = 0; wrong < 5; wrong++) await secondStep(server, token, wrongCodeOf(v.secret)); return secondStep(server, token, codeOf(v.secret)) }],
  ['an mfa_token that has expired', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await collection('mfa_challenges').updateMany({ userId: v.id }, { $set: { expiresAt: new Date() } }); return secondStep(server, token, codeOf(v.secret)) }],
  ['an enrolment that was confirmed', 'not_found', async () => { const user = await logIn(server); const started = await start(user); const secret = String(started.body['secret']); const { bearer } = tokensOf((await confirm(user, started, codeOf(secret))).body); return confirm({ bearer }, started, codeOf(secret, 1)) }],
  // Things of other users and clients.
  ['the code of another user', 'mfa_code_wrong', async (v) => step(v, codeOf((await enrol(server)).secret))],
  ['the recovery code of another user', 'mfa_code_wrong', async (v) => step(v, (await enrol(server)).recoveryCodes[0] ?? '', 'recovery_code')],
  ['the mfa_token of another user with a code of the victim', 'mfa_code_wrong', async (v) => secondStep(server, await firstStep(server, await enrol(server)), codeOf(v.secret))],
  ['an mfa_token on another client', 'mfa_token_invalid', async (v) => secondStep(server, await firstStep(server, v, agent('one')), codeOf(v.secret), agent('two'))],
  ['an mfa_token on a client without a name', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v, agent('one')); const { statusCode: status, headers, body } = await server.app.inject({ method: 'POST', url: '/v1/auth/login/mfa', headers: { 'user-agent': '' }, payload: { mfa_token: token, method: 'totp', code: codeOf(v.secret) } }); return { status, headers, body: JSON.parse(body) } }],
  ['an mfa_token of another deployment', 'mfa_token_invalid', async (v) => secondStep(server, await firstStep(foreign, await enrol(foreign)), codeOf(v.secret))],
  ['an access token of another deployment for a step-up', 'token_invalid', async (v) => stepUp(await enrol(foreign), codeOf(v.secret))],
  ['the factor of another user, removed', 'not_found', async (v) => server.delete(`/v1/me/mfa/factors/${v.factorId}`, (await enrol(server)).bearer)],
  ['the enrolment of another user, confirmed', 'not_found', async (v) => { const started = await start(v); return confirm(await enrol(server), started, codeOf(String(started.body['secret']))) }],
  ['the enrolment of another session of the same user, confirmed', 'not_found', async () => { const user = await logIn(server); const again = tokensOf((await server.post('/v1/auth/login', { email: user.email, password })).body); const started = await start(user); return confirm(again, started, codeOf(String(started.body['secret']))) }],
  ['a secret that was copied into another document', 'mfa_unreadable', async (v) => { const mine = await enrol(server); const sealed = (await storedTotp(server, mine)).secret; await server.app.mongo.db.collection('second_factors').updateOne({ _id: v.id as never }, { $set: { 'factors.0.secret': sealed } }); return step(v, codeOf(mine.secret)) }],
  // With a stolen session, whose second factor was an hour ago.
  ['a stolen session enrols another app', 'insufficient_user_authentication', async (v) => start(await stolen(v))],
  ['a stolen session renews the recovery codes', 'insufficient_user_authentication', async (v) => server.post('/v1/me/mfa/recovery-codes', undefined, (await stolen(v)).bearer)],
  ['a stolen session removes the app', 'insufficient_user_authentication', async (v) => remove({ ...v, ...(await stolen(v)) })],
  ['a stolen session changes the password', 'insufficient_user_authentication', async (v) => server.post('/v1/auth/password/change', { current_password: password, new_password: 'a new horse battery' }, (await stolen(v)).bearer)],
  ['a stolen session changes the email', 'insufficient_user_authentication', async (v) => server.patch('/v1/me', { email: 'thief@example.com', current_password: password }, (await stolen(v)).bearer)],
  ['a stolen session deletes the account', 'insufficient_user_authentication', async (v) => server.delete('/v1/me', (await stolen(v)).bearer, { current_password: password })],
  ['a stolen session steps up with a wrong code', 'mfa_code_wrong', async (v) => stepUp(await stolen(v), wrongCodeOf(v.secret))],
  ['a stolen session refreshes to look recent', 'insufficient_user_authentication', async (v) => server.get('/v1/auth/verify?max_age=900', (await stolen(v)).bearer)],
  ['a user resets the factors of the victim', 'forbidden', async (v) => server.post(`/v1/admin/users/${v.id}/mfa/reset`, undefined, (await enrol(server)).bearer)],
  // Downgrades and races.
  ['a session from before the enrolment', 'session_revoked', async () => { const user = await logIn(server); const thief = tokensOf((await server.post('/v1/auth/login', { email: user.email, password })).body); await addTotp(server, user); return server.get('/v1/me', thief.bearer) }],
  ['a refresh token from before the enrolment', 'session_revoked', async () => { const user = await logIn(server); const thief = tokensOf((await server.post('/v1/auth/login', { email: user.email, password })).body); await addTotp(server, user); return server.post('/v1/auth/refresh', { refresh_token: thief.refreshToken }) }],
  ['an enrolment that began before another one was confirmed', 'session_revoked', async () => { const user = await logIn(server); const thief = tokensOf((await server.post('/v1/auth/login', { email: user.email, password })).body); const started = await start(thief); await addTotp(server, user); return confirm(thief, started, codeOf(String(started.body['secret']))) }],
  ['a login that began before the app was removed', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await remove(v); return secondStep(server, token, codeOf(v.secret)) }],
  ['a login that began before an administrator reset the factors', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await server.post(`/v1/admin/users/${v.id}/mfa/reset`, undefined, (await logInAsAdmin(server)).bearer); return secondStep(server, token, codeOf(v.secret)) }],
  ['a login that began before the password was changed', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await server.post('/v1/auth/password/change', { current_password: password, new_password: 'a new horse battery' }, v.bearer); return secondStep(server, token, codeOf(v.secret)) }],
  ['a login that began before a logout everywhere', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await server.post('/v1/auth/logout-all', undefined, v.bearer); return secondStep(server, token, codeOf(v.secret)) }],
  ['a login that began before the user was disabled', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await server.post(`/v1/admin/users/${v.id}/disable`, undefined, (await logInAsAdmin(server)).bearer); return secondStep(server, token, codeOf(v.secret)) }],
  ['a login that began before the user was deleted', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await server.delete('/v1/me', v.bearer, { current_password: password }); return secondStep(server, token, codeOf(v.secret)) }],
  ['a login of a user whom another program disables meanwhile', 'mfa_token_invalid', async (v) => { const token = await firstStep(server, v); await server.app.mongo.db.collection('users').updateOne({ email: v.email }, { $set: { is_active: false } }); return secondStep(server, token, codeOf(v.secret)) }],
  ['a removed app of a user who has another one', 'mfa_code_wrong', async (v) => { const { secret, confirmed } = await addTotp(server, v); await server.delete(`/v1/me/mfa/factors/${v.factorId}`, tokensOf(confirmed.body).bearer); await forgetUsedCodes(server, v); return secret === v.secret ? step(v, '') : step(v, codeOf(v.secret)) }],
  ['a recovery code from before the last app was removed and enrolled again', 'mfa_code_wrong', async (v) => { await remove(v); await addTotp(server, await logIn(server, v.email)); return step(v, v.recoveryCodes[0] ?? '', 'recovery_code') }],
  // Guessing.
  ['eleven guesses, and then the right code', 'locked', async (v) => { for (let guess = 0; guess < 11; guess++) await secondStep(server, await firstStep(server, v), wrongCodeOf(v.secret)); return step(v, codeOf(v.secret)) }],
  ['guesses by step-up, and then the right code', 'locked', async (v) => { for (let guess = 0; guess < 11; guess++) await stepUp(v, wrongCodeOf(v.secret)); return step(v, codeOf(v.secret)) }],
  ['guesses of recovery codes, and then the right code', 'locked', async (v) => { for (let guess = 0; guess < 11; guess++) await step(v, 'a'.repeat(24), 'recovery_code'); return step(v, codeOf(v.secret)) }],
  ['guesses, unlocked by a password reset, and then the right code', 'locked', async (v) => { for (let guess = 0; guess < 11; guess++) await secondStep(server, await firstStep(server, v), wrongCodeOf(v.secret)); await server.app.loginAttempts.unlock(await userOf(v)); return step(v, codeOf(v.secret)) }],
]

test.each(attacks)('%s: %s', async (_name, code, attack) => {
  const { status, body } = await attack(await enrol(server))
  expect({ status, body }).toMatchObject({ status: problemCatalog[code].status, body: { code } })
})

test('the list has at least 40 attempts, and the way they begin is accepted', async () => {
  expect(attacks.length).toBeGreaterThanOrEqual(40)
  const victim = await enrol(server)
  expect((await step(victim, codeOf(victim.secret))).status).toBe(200)
  expect((await stepUp(victim, victim.recoveryCodes[0] ?? '', 'recovery_code')).status).toBe(200)
})
