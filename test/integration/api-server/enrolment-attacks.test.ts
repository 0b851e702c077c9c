import { createHash, randomBytes } from 'node:crypto'
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
  bearerOf,
  beginEnrolling,
  confirm as confirmAt,
  enrolAtLogin as enrolAtLoginOf,
  newEmail,
  refresh,
  remove as removeAt,
  start as startAt,
  userOf as userAt,
} from './enrolling.ts'
import { codeOf, enrol, firstStep, mfaEnvironment, secondStep } from './second-factor.ts'

/** Attempts to misuse the token of an enrolment, or to get around a required second factor, each with its refusal. */
const environment = { ...mfaEnvironment, DATABASE_NAME: freshDatabase() }
/** Servers of one deployment, before and after its policy changed. */
let optional: AppForTest
let required: AppForTest
let ofAdmins: AppForTest

beforeAll(async () => {
  optional = await startApp(environment)
  required = await startApp({ ...environment, MFA_MODE: 'required' })
  ofAdmins = await startApp({ ...environment, MFA_REQUIRED_ROLES: 'admin' })
})
afterAll(() => Promise.all([optional.close(), required.close(), ofAdmins.close()]))

const start = (user: Parameters<typeof startAt>[1], server = required) => startAt(server, user)
const confirm = (user: Parameters<typeof startAt>[1], started: Answer, server = required) =>
  confirmAt(server, user, started)
const remove = (factor: Parameters<typeof removeAt>[1], server = required) => removeAt(server, factor)
const enrolAtLogin = () => enrolAtLoginOf(required)
const userOf = (email: string) => userAt(required, email)
const setRole = async (email: string, role: 'admin' | 'user') =>
  optional.patch(`/v1/admin/users/${(await userOf(email))._id}`, { role }, (await logInAsAdmin(optional)).bearer)

type Attack = () => Promise<Answer>

const agent = (name: string) => ({ 'user-agent': name })

// biome-ignore format: a table
const attacks: [string, ProblemCode, Attack][] = [
  // The token of an enrolment in other places.
  ['as an mfa_token', 'mfa_token_invalid', async () => secondStep(required, (await beginEnrolling(required)).token, '123456')],
  ['as an mfa_token with its hash', 'mfa_token_invalid', async () => secondStep(required, createHash('sha256').update((await beginEnrolling(required)).token).digest('base64url'), '123456')],
  ['as a refresh token', 'refresh_invalid', async () => refresh(required, { refreshToken: (await beginEnrolling(required)).token })],
  ['as the token of a mailed link', 'one_time_token_invalid', async () => required.post('/v1/auth/password/reset', { token: (await beginEnrolling(required)).token, new_password: 'a new horse battery' })],
  ['as the token of the confirmation', 'not_found', async () => { const user = await beginEnrolling(required); return confirm(user, { status: 0, headers: {}, body: { token: user.token, secret: 'JBSWY3DPEHPK3PXP' } }) }],
  ['without its prefix', 'token_invalid', async () => start({ bearer: bearerOf((await beginEnrolling(required)).token.replace('enrolment_', '')) })],
  ['for a step-up', 'token_invalid', async () => required.post('/v1/auth/step-up', { method: 'totp', code: '123456' }, (await beginEnrolling(required)).bearer)],
  ['for a list of the factors', 'token_invalid', async () => required.get('/v1/me/mfa', (await beginEnrolling(required)).bearer)],
  ['for new recovery codes', 'token_invalid', async () => required.post('/v1/me/mfa/recovery-codes', undefined, (await beginEnrolling(required)).bearer)],
  ['for verify with a path', 'token_invalid', async () => required.get('/v1/auth/verify/orders/7', (await beginEnrolling(required)).bearer)],
  ['for another password', 'token_invalid', async () => required.post('/v1/auth/password/change', { current_password: password, new_password: 'a new horse battery' }, (await beginEnrolling(required)).bearer)],
  ['for another email', 'token_invalid', async () => required.patch('/v1/me', { email: newEmail(), current_password: password }, (await beginEnrolling(required)).bearer)],
  ['for the admin API, of an administrator', 'token_invalid', async () => { const { email } = await logInAsAdmin(optional); return required.get('/v1/admin/users', (await beginEnrolling(required, email)).bearer) }],
  // Other tokens in the place of one.
  ['an mfa_token instead', 'token_invalid', async () => start({ bearer: bearerOf(await firstStep(required, await enrolAtLogin())) })],
  ['an mfa_token with the prefix', 'session_revoked', async () => start({ bearer: bearerOf(`enrolment_${await firstStep(required, await enrolAtLogin())}`) })],
  ['the token of a started app instead', 'session_revoked', async () => { const user = await beginEnrolling(required); return start({ bearer: bearerOf(`enrolment_${(await start(user)).body['token']}`) }) }],
  ['a refresh token with the prefix', 'session_revoked', async () => start({ bearer: bearerOf(`enrolment_${(await enrolAtLogin()).refreshToken}`) })],
  ['a made-up one', 'session_revoked', async () => start({ bearer: bearerOf(`enrolment_${randomBytes(32).toString('base64url')}`) })],
  // Of other users and clients.
  ['on another client', 'session_revoked', async () => start({ bearer: { ...(await beginEnrolling(required, newEmail(), agent('one'))).bearer, ...agent('two') } })],
  ['with an app that another user has started', 'not_found', async () => confirm(await beginEnrolling(required), await start(await beginEnrolling(required)))],
  ['with an app that another login of the user has started', 'not_found', async () => { const user = await beginEnrolling(required); return confirm(await beginEnrolling(required, user.email), await start(user)) }],
  ['with an app that a session of the user has started', 'not_found', async () => { const session = await logIn(optional); const started = await start(session, optional); return confirm(await beginEnrolling(required, session.email), started) }],
  ['with another password', 'password_wrong', async () => required.post('/v1/me/mfa/totp', { current_password: 'another horse', name: 'Phone' }, (await beginEnrolling(required)).bearer)],
  ['of another deployment', 'session_revoked', async () => { const foreign = await startApp({ ...mfaEnvironment, MFA_MODE: 'required' }); const user = await beginEnrolling(foreign); await foreign.close(); return start(user) }],
  ['with a wrong code', 'mfa_code_wrong', async () => { const user = await beginEnrolling(required); const { body } = await start(user); return required.post('/v1/me/mfa/totp/confirm', { token: body['token'], code: codeOf(String(body['secret']), 5) }, user.bearer) }],
  // Too late.
  ['after it was used', 'session_revoked', async () => { const user = await beginEnrolling(required); const started = await start(user); await confirm(user, started); return confirm(user, started) }],
  ['after it was used, for another app', 'session_revoked', async () => { const user = await beginEnrolling(required); await confirm(user, await start(user)); return start(user) }],
  ['after another login has enrolled', 'session_revoked', async () => { const thief = await beginEnrolling(required); const started = await start(thief); const owner = await beginEnrolling(required, thief.email); await confirm(owner, await start(owner)); return confirm(thief, started) }],
  ['after it has expired', 'session_revoked', async () => { const user = await beginEnrolling(required); await required.app.mongo.db.collection('mfa_challenges').updateMany({ userId: (await userOf(user.email))._id }, { $set: { expiresAt: new Date() } }); return start(user) }],
  ['after the password was changed', 'session_revoked', async () => { const session = await logIn(optional); const thief = await beginEnrolling(required, session.email); await optional.post('/v1/auth/password/change', { current_password: password, new_password: 'a new horse battery' }, session.bearer); return start(thief) }],
  ['after a logout everywhere', 'session_revoked', async () => { const session = await logIn(optional); const thief = await beginEnrolling(required, session.email); await optional.post('/v1/auth/logout-all', undefined, session.bearer); return start(thief) }],
  ['after the user was disabled', 'session_revoked', async () => { const user = await beginEnrolling(required); await optional.post(`/v1/admin/users/${(await userOf(user.email))._id}/disable`, undefined, (await logInAsAdmin(optional)).bearer); return start(user) }],
  ['after the user was deleted', 'session_revoked', async () => { const session = await logIn(optional); const thief = await beginEnrolling(required, session.email); await optional.delete('/v1/me', session.bearer, { current_password: password }); return start(thief) }],
  ['after the role was changed', 'session_revoked', async () => { const user = await beginEnrolling(required); await setRole(user.email, 'admin'); return start(user) }],
  // Around it.
  ['a session without a second factor, refreshed', 'second_factor_required', async () => refresh(required, await logIn(optional))],
  ['the session of an administrator without a second factor, refreshed', 'second_factor_required', async () => refresh(ofAdmins, await logInAsAdmin(optional))],
  ['a session from before second factors of a user who has one, refreshed', 'second_factor_required', async () => { const user = await enrol(optional); const off = await startApp({ ...environment, MFA_MODE: 'off', MFA_SECRET: '' }); const session = await logIn(off, user.email); await off.close(); return refresh(required, session) }],
  ['the last factor, removed', 'mfa_last_factor', async () => remove(await enrolAtLogin())],
  ['the last factor of an administrator, removed', 'mfa_last_factor', async () => { const { email } = await logInAsAdmin(optional); const user = await beginEnrolling(ofAdmins, email); const { body } = await confirm(user, await start(user, ofAdmins), ofAdmins); return remove({ factorId: String(body['factor_id']), ...tokensOf(body) }, ofAdmins) }],
  ['a password that is wrong', 'invalid_credentials', async () => required.post('/v1/auth/login', { email: (await beginEnrolling(required)).email, password: 'another horse battery' })],
]

test.each(attacks)('the token of an enrolment, or what goes around it, %s: %s', async (_name, code, attack) => {
  const { status, body } = await attack()
  expect({ status, body }).toMatchObject({ status: problemCatalog[code].status, body: { code } })
})
