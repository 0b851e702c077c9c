import { createHmac, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CreationOptions, RequestOptions } from '../../../api-server/plugins/app/passkeys/options.ts'
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
import { type Deviation, SoftwareAuthenticator } from './software-authenticator.ts'

/** Attempts to get in by a passkey that must be refused. None may be accepted. */
let server: AppForTest
/** Another deployment, with the same relying party. */
let foreign: AppForTest

beforeAll(async () => {
  server = await startApp({ ...passkeyEnvironment, DATABASE_NAME: freshDatabase() })
  foreign = await startApp({
    ...passkeyEnvironment,
    MFA_SECRET: randomBytes(32).toString('base64url'),
    DATABASE_NAME: freshDatabase(),
  })
})
afterAll(() => Promise.all([server.close(), foreign.close()]))

const login = (credential: unknown, headers: Record<string, string> = {}) =>
  server.post('/v1/auth/passkeys/login', { credential }, headers)
const secondStep = (mfaToken: string, credential: unknown, headers: Record<string, string> = {}) =>
  server.post('/v1/auth/login/mfa/passkey', { mfa_token: mfaToken, credential }, headers)
const confirm = ({ bearer }: Pick<PasskeyUser, 'bearer'>, credential: unknown) =>
  server.post('/v1/me/mfa/passkeys/confirm', { name: 'Laptop', credential }, bearer)
const stepUp = ({ bearer }: Pick<PasskeyUser, 'bearer'>, credential: unknown) =>
  server.post('/v1/auth/step-up/passkey', { credential }, bearer)
const stepUpOptions = async ({ bearer }: Pick<PasskeyUser, 'bearer'>) =>
  optionsOf<RequestOptions>(await server.post('/v1/auth/step-up/passkey/options', undefined, bearer))
const newOptions = async (user: Pick<PasskeyUser, 'bearer'>) =>
  optionsOf<CreationOptions>(await startPasskey(server, user))
const loginTwice = async ({ email }: Pick<PasskeyUser, 'email'>) =>
  tokensOf((await server.post('/v1/auth/login', { email, password })).body)
const agent = (name: string) => ({ 'user-agent': name })
const oldChallenge = (challenge: string) => {
  // As if it had been made an hour ago: the time is not secret, the HMAC of it is.
  const bytes = Buffer.from(challenge, 'base64url')
  bytes.writeBigUInt64BE(BigInt(Date.now() + 3_600_000), 16)
  return bytes.toString('base64url')
}
const selfMadeChallenge = () => {
  const content = Buffer.concat([randomBytes(16), Buffer.alloc(8)])
  content.writeBigUInt64BE(BigInt(Date.now() + 60_000), 16)
  return Buffer.concat([content, createHmac('sha256', 'guess').update(content).digest()]).toString('base64url')
}
/** Answers of a server whose clock is an hour ahead of that of the options. */
async function anHourLater(send: () => Promise<Answer>): Promise<Answer> {
  const { checkChallenge } = server.app.passkeys
  server.app.passkeys.checkChallenge = (challenge, ceremony, now) =>
    checkChallenge(challenge, ceremony, new Date(now.getTime() + 3_600_000))
  try {
    return await send()
  } finally {
    server.app.passkeys.checkChallenge = checkChallenge
  }
}

/** Every deviation that makes a response of an authenticator wrong, whatever it is for. */
const deviations: [string, Deviation][] = [
  ['a page of another origin', { origin: 'https://evil.example' }],
  ['an origin with another port', { origin: 'https://app.example.com:8443' }],
  ['an origin without TLS', { origin: 'http://app.example.com' }],
  ['an origin that begins as an allowed one', { origin: 'https://app.example.com.evil.example' }],
  ['an origin below the domain that is not listed', { origin: 'https://other.example.com' }],
  ['another RP ID', { rpId: 'evil.example' }],
  ['an RP ID above the domain', { rpId: 'com' }],
  ['a page in a frame of another origin', { crossOrigin: true }],
  ['nobody present', { isUserPresent: false }],
  ['a challenge of the attacker', { challenge: selfMadeChallenge() }],
  ['no challenge', { challenge: '' }],
  ['another type', { type: 'webauthn.other' }],
]

type Attack = (victim: PasskeyUser) => Promise<Answer>

// biome-ignore format: a table
const attacks: [string, ProblemCode, Attack][] = [
  ...deviations.flatMap(([name, deviation]): [string, ProblemCode, Attack][] => [
    [`a login with ${name}`, 'passkey_refused', (v) => logInByPasskey(server, v.authenticator, deviation)],
    [`a second step with ${name}`, 'passkey_refused', (v) => secondPasskeyStep(server, v, deviation)],
    [`a step-up with ${name}`, 'passkey_refused', (v) => stepUpByPasskey(server, v, deviation)],
    [`a new passkey with ${name}`, 'passkey_refused', (v) => addPasskey(server, v, v.authenticator, deviation)],
  ]),
  // Verification of the user.
  ['a login without verification of the user', 'passkey_refused', (v) => logInByPasskey(server, v.authenticator, { isUserVerified: false })],
  ['a step-up without verification in a session without a password', 'passkey_refused', async (v) => { const { bearer } = tokensOf((await logInByPasskey(server, v.authenticator)).body); return stepUpByPasskey(server, { ...v, bearer }, { isUserVerified: false }) }],
  // Replays.
  ['a response twice', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); await login(used); return login(used) }],
  ['a response of a passkey without a counter twice', 'passkey_refused', async () => { const user = await enrolPasskey(server, new SoftwareAuthenticator({ hasCounter: false })); const used = user.authenticator.get(await loginOptions(server)); await login(used); return login(used) }],
  ['two responses to the same options', 'passkey_refused', async (v) => { const options = await loginOptions(server); await login(v.authenticator.get(options)); return login(v.authenticator.get(options)) }],
  ['a new passkey twice', 'passkey_refused', async (v) => { const { bearer } = await logIn(server); const credential = v.authenticator.create(await newOptions({ bearer })); const { body } = await confirm({ bearer }, credential); return confirm(tokensOf(body), credential) }],
  ['two new passkeys by the same options', 'passkey_refused', async (v) => { const options = await newOptions(v); await server.app.passkeys.usedChallenges.use(options.challenge, v.id, new Date()); return confirm(v, v.authenticator.create(options)) }],
  ['a step-up twice', 'passkey_refused', async (v) => { const used = v.authenticator.get(await stepUpOptions(v)); await stepUp(v, used); return stepUp(v, used) }],
  ['a second step twice', 'mfa_token_invalid', async (v) => { const { mfaToken, options } = await firstPasskeyStep(server, v); const used = v.authenticator.get(options); await secondStep(mfaToken, used); return secondStep(mfaToken, used) }],
  // Expiry.
  ['a login after a minute', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); return anHourLater(() => login(used)) }],
  ['a second step after a minute', 'passkey_refused', async (v) => { const { mfaToken, options } = await firstPasskeyStep(server, v); return anHourLater(() => secondStep(mfaToken, v.authenticator.get(options))) }],
  ['a step-up after a minute', 'passkey_refused', async (v) => { const options = await stepUpOptions(v); return anHourLater(() => stepUp(v, v.authenticator.get(options))) }],
  ['a new passkey after a minute', 'passkey_refused', async (v) => { const options = await newOptions(v); return anHourLater(() => confirm(v, v.authenticator.create(options))) }],
  ['a challenge whose time was changed', 'passkey_refused', async (v) => { const options = await loginOptions(server); return login(v.authenticator.get({ ...options, challenge: oldChallenge(options.challenge) })) }],
  ['a challenge that was cut short', 'passkey_refused', async (v) => { const options = await loginOptions(server); return login(v.authenticator.get({ ...options, challenge: options.challenge.slice(0, 40) })) }],
  // Challenges of other ceremonies.
  ['a login with the challenge of a step-up', 'passkey_refused', async (v) => login(v.authenticator.get(await stepUpOptions(v)))],
  ['a login with the challenge of a second step', 'passkey_refused', async (v) => login(v.authenticator.get((await firstPasskeyStep(server, v)).options))],
  ['a login with the challenge of a new passkey', 'passkey_refused', async (v) => login(v.authenticator.get({ ...(await loginOptions(server)), challenge: (await newOptions(v)).challenge }))],
  ['a second step with the challenge of a login', 'passkey_refused', async (v) => secondStep((await firstPasskeyStep(server, v)).mfaToken, v.authenticator.get(await loginOptions(server)))],
  ['a second step with the challenge of another one of the same user', 'passkey_refused', async (v) => secondStep((await firstPasskeyStep(server, v)).mfaToken, v.authenticator.get((await firstPasskeyStep(server, v)).options))],
  ['a step-up with the challenge of a login', 'passkey_refused', async (v) => stepUp(v, v.authenticator.get(await loginOptions(server)))],
  ['a step-up with the challenge of another session of the same user', 'passkey_refused', async (v) => { const other = tokensOf((await logInByPasskey(server, v.authenticator)).body); return stepUp(v, v.authenticator.get(await stepUpOptions(other))) }],
  ['a new passkey with the challenge of a login', 'passkey_refused', async (v) => confirm(v, v.authenticator.create({ ...(await newOptions(v)), challenge: (await loginOptions(server)).challenge }))],
  ['a new passkey with the options of another user', 'passkey_refused', async (v) => confirm(v, v.authenticator.create(await newOptions(await enrolPasskey(server))))],
  ['a new passkey with the options of another session of the same user', 'passkey_refused', async () => { const user = await logIn(server); const other = await loginTwice(user); return confirm(other, new SoftwareAuthenticator().create(await newOptions(user))) }],
  ['a login with the challenge of another deployment', 'passkey_refused', async (v) => login(v.authenticator.get(await loginOptions(foreign)))],
  ['the response of a new passkey as a login', 'validation_failed', async (v) => login(v.authenticator.create(await newOptions(v)))],
  ['the response of a login as a new passkey', 'validation_failed', async (v) => confirm(v, v.authenticator.get(await loginOptions(server)))],
  // Other clients.
  ['a login with options of another client', 'passkey_refused', async (v) => login(v.authenticator.get(await loginOptions(server, agent('one'))), agent('two'))],
  ['a second step on another client', 'mfa_token_invalid', async (v) => { const { mfaToken, options } = await firstPasskeyStep(server, v); return secondStep(mfaToken, v.authenticator.get(options), agent('two')) }],
  ['the options of a second step on another client', 'mfa_token_invalid', async (v) => server.post('/v1/auth/login/mfa/passkey/options', { mfa_token: (await firstPasskeyStep(server, v)).mfaToken }, agent('two'))],
  ['the options of a second step with an access token', 'mfa_token_invalid', async (v) => server.post('/v1/auth/login/mfa/passkey/options', { mfa_token: v.accessToken.slice(0, 128) })],
  // Other users.
  ['the passkey of another user in a second step', 'passkey_refused', async (v) => secondPasskeyStep(server, { ...v, authenticator: (await enrolPasskey(server)).authenticator })],
  ['the passkey of another user in a step-up', 'passkey_refused', async (v) => stepUpByPasskey(server, { ...v, authenticator: (await enrolPasskey(server)).authenticator })],
  ['a passkey that the server does not know', 'passkey_refused', async () => logInByPasskey(server, (await enrolPasskey(foreign)).authenticator)],
  ['the ID of the victim with another key', 'passkey_refused', async (v) => { const mine = await enrolPasskey(server); const used = mine.authenticator.get(await loginOptions(server)); const id = v.authenticator.get(await loginOptions(server)).id; return login({ ...used, id }) }],
  ['the user handle of the victim', 'passkey_refused', async (v) => { const mine = await enrolPasskey(server); const { userHandle } = v.authenticator.get(await loginOptions(server)).response; return logInByPasskey(server, mine.authenticator, { userHandle: String(userHandle) }) }],
  ['no user handle in a login', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); return login({ ...used, response: { ...used.response, userHandle: null } }) }],
  // Keys, signatures and attestations.
  ['a changed signature', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); const signature = Buffer.from(used.response.signature, 'base64url'); signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1); return login({ ...used, response: { ...used.response, signature: signature.toString('base64url') } }) }],
  ['authenticator data that were changed', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server), { isUserVerified: false }); const data = Buffer.from(used.response.authenticatorData, 'base64url'); data.writeUInt8(data.readUInt8(32) | 4, 32); return login({ ...used, response: { ...used.response, authenticatorData: data.toString('base64url') } }) }],
  ['client data that are no JSON', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); return login({ ...used, response: { ...used.response, clientDataJSON: 'bm8ganNvbg' } }) }],
  ['client data without a challenge', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); return login({ ...used, response: { ...used.response, clientDataJSON: Buffer.from('{"type":"webauthn.get","origin":"https://app.example.com"}').toString('base64url') } }) }],
  ['authenticator data of a few bytes', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); return login({ ...used, response: { ...used.response, authenticatorData: 'AAAA' } }) }],
  ['an attestation that is no CBOR', 'passkey_refused', async (v) => { const credential = v.authenticator.create(await newOptions(v)); return confirm(v, { ...credential, response: { ...credential.response, attestationObject: '_____w' } }) }],
  ['a key of an algorithm that was not offered', 'passkey_refused', async (v) => addPasskey(server, v, v.authenticator, { algorithm: -65535 })],
  ['a new passkey with the ID of another one beside it', 'passkey_refused', async (v) => { const credential = v.authenticator.create(await newOptions(v)); return confirm(v, { ...credential, id: randomBytes(32).toString('base64url') }) }],
  ['an operator of the database as an ID', 'validation_failed', async (v) => login({ ...v.authenticator.get(await loginOptions(server)), id: { $gt: '' } })],
  ['an ID of two kilobytes', 'validation_failed', async (v) => login({ ...v.authenticator.get(await loginOptions(server)), id: 'A'.repeat(2048) })],
  // Copies.
  ['a copy of the passkey after its owner used it', 'passkey_refused', async (v) => { const copy = v.authenticator.copy(); await logInByPasskey(server, v.authenticator); return logInByPasskey(server, copy) }],
  ['a counter of zero after one above', 'passkey_refused', async (v) => { await logInByPasskey(server, v.authenticator); return logInByPasskey(server, v.authenticator, { counter: 0 }) }],
  // What ended meanwhile.
  ['a second step after the passkey was removed', 'mfa_token_invalid', async (v) => { const { mfaToken, options } = await firstPasskeyStep(server, v); await server.delete(`/v1/me/mfa/factors/${v.factorId}`, v.bearer); return secondStep(mfaToken, v.authenticator.get(options)) }],
  ['a second step after the password was changed', 'mfa_token_invalid', async (v) => { const { mfaToken, options } = await firstPasskeyStep(server, v); await server.post('/v1/auth/password/change', { current_password: password, new_password: 'a new horse battery' }, v.bearer); return secondStep(mfaToken, v.authenticator.get(options)) }],
  ['a step-up after a logout everywhere', 'session_revoked', async (v) => { const used = v.authenticator.get(await stepUpOptions(v)); await server.post('/v1/auth/logout-all', undefined, v.bearer); return stepUp(v, used) }],
  ['a new passkey after the password was changed', 'session_revoked', async (v) => { const credential = v.authenticator.create(await newOptions(v)); await server.post('/v1/auth/password/change', { current_password: password, new_password: 'a new horse battery' }, v.bearer); return confirm(v, credential) }],
  ['a new passkey after an administrator reset the factors', 'session_revoked', async (v) => { const credential = v.authenticator.create(await newOptions(v)); await server.post(`/v1/admin/users/${v.id}/mfa/reset`, undefined, (await logInAsAdmin(server)).bearer); return confirm(v, credential) }],
  ['a login of a user who was disabled', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); await server.post(`/v1/admin/users/${v.id}/disable`, undefined, (await logInAsAdmin(server)).bearer); return login(used) }],
  ['a login of a user who was deleted', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); await server.delete('/v1/me', v.bearer, { current_password: password }); return login(used) }],
  ['a login by a passkey that was removed', 'passkey_refused', async (v) => { const used = v.authenticator.get(await loginOptions(server)); await server.delete(`/v1/me/mfa/factors/${v.factorId}`, v.bearer); return login(used) }],
  // Skipping steps.
  ['a new passkey without the password', 'validation_failed', (v) => server.post('/v1/me/mfa/passkeys', {}, v.bearer)],
  ['a new passkey with a wrong password', 'password_wrong', (v) => server.post('/v1/me/mfa/passkeys', { current_password: 'wrong horse battery' }, v.bearer)],
  ['a new passkey without a session', 'token_missing', async (v) => server.post('/v1/me/mfa/passkeys/confirm', { name: 'Mine', credential: v.authenticator.create(await newOptions(v)) })],
  ['a new passkey in a session whose second factor is an hour old', 'insufficient_user_authentication', async (v) => { const { sid } = JSON.parse(Buffer.from(v.accessToken.split('.')[1] ?? '', 'base64url').toString()); await server.app.sessions.authenticate(sid, { at: new Date(Date.now() - 3_600_000), methods: ['pwd', 'hwk', 'user', 'mfa'] }); return startPasskey(server, tokensOf((await server.post('/v1/auth/refresh', { refresh_token: v.refreshToken })).body)) }],
  ['a code instead of the passkey of a user without an app', 'mfa_code_wrong', async (v) => server.post('/v1/auth/login/mfa', { mfa_token: (await firstPasskeyStep(server, v)).mfaToken, method: 'totp', code: '123456' })],
]

test.each(attacks)('%s: %s', async (_name, code, attack) => {
  const { status, body } = await attack(await enrolPasskey(server))
  expect({ status, body }).toMatchObject({ status: problemCatalog[code].status, body: { code } })
})

test('the way these attempts begin is accepted', async () => {
  const victim = await enrolPasskey(server)
  expect((await logInByPasskey(server, victim.authenticator)).status).toBe(200)
  expect((await secondPasskeyStep(server, victim)).status).toBe(200)
  expect((await stepUpByPasskey(server, victim)).status).toBe(200)
  expect((await addPasskey(server, victim, new SoftwareAuthenticator())).status).toBe(200)
})
