import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type AppForTest, freshDatabase, logIn, password, startApp } from '../integration/api-server/app-for-test.ts'
import { mfaEnvironment } from '../integration/api-server/second-factor.ts'
import { addAuthenticator, documentedCode, launchChromium, passkeyPage, runOn, text } from './passkey-page.ts'

/**
 * Every ceremony in Chromium, with its virtual authenticator, on a page of this test that runs the code of
 * docs/server/passkeys.md.
 */
let pages: Server
/** Serves the same page on an origin that the servers do not list. */
let otherPages: Server
let origin: string
let server: AppForTest
/** The same deployment, with a relying party at another domain. */
let elsewhere: AppForTest
let browser: Browser
let page: Page
let devTools: CDPSession
let authenticatorId: string

beforeAll(async () => {
  pages = await servePage()
  otherPages = await servePage()
  origin = originOf(pages)
  const environment = {
    ...mfaEnvironment,
    DATABASE_NAME: freshDatabase(),
    CORS_ORIGINS: `${origin},${originOf(otherPages)}`,
    CORS_CREDENTIALS: 'true',
    WEBAUTHN_RP_ID: 'localhost',
    WEBAUTHN_ORIGINS: origin,
  }
  server = await startApp(environment)
  elsewhere = await startApp({
    ...environment,
    WEBAUTHN_RP_ID: 'app.localhost',
    WEBAUTHN_ORIGINS: 'http://app.localhost',
  })
  await server.app.listen({ host: 'localhost', port: 0 })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await Promise.all([server.close(), elsewhere.close()])
  pages.close()
  otherPages.close()
})

beforeEach(async () => {
  ;({ page, devTools, authenticatorId } = await openPage(origin))
})

async function servePage(): Promise<Server> {
  const pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(passkeyPage)
  })
  await new Promise<void>((resolve) => pages.listen(0, 'localhost', resolve))
  return pages
}

function originOf(pages: Server): string {
  // The type of a TCP server's address.
  return `http://localhost:${(pages.address() as AddressInfo).port}`
}

/** A new window with the documented code, and an authenticator of its own that verifies its user at once. */
async function openPage(at: string) {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const opened = await context.newPage()
  await opened.goto(at)
  const address = `http://localhost:${(server.app.server.address() as AddressInfo).port}`
  await opened.addScriptTag({ content: documentedCode(address) })
  const session = await context.newCDPSession(opened)
  await session.send('WebAuthn.enable')
  return { page: opened, devTools: session, authenticatorId: await addAuthenticator(session) }
}

const run = (expression: string, on = page) => runOn(on, expression)

/** A user who has added a passkey on the page. */
async function userWithPasskey() {
  const { email, accessToken } = await logIn(server)
  const added = await run(`addPasskey(${text(accessToken)}, ${text(password)}, 'Laptop')`)
  expect(added).toMatchObject({ access_token: expect.any(String), recovery_codes: Array(10).fill(expect.any(String)) })
  return { email, accessToken: String(added['access_token']), factorId: String(added['factor_id']) }
}

const credentials = async (session = devTools, id = authenticatorId) =>
  (await session.send('WebAuthn.getCredentials', { authenticatorId: id })).credentials

test('a user adds a passkey, logs in with it alone, after the password, and steps up', async () => {
  const { email, accessToken } = await userWithPasskey()
  expect(await run('logInByPasskey()')).toMatchObject({ user: { email } })
  expect(await run(`logIn(${text(email)}, ${text(password)})`)).toMatchObject({ user: { email } })
  const steppedUp = await run(`stepUp(${text(accessToken)})`)
  expect(steppedUp).toMatchObject({ access_token: expect.any(String) })
  const listed = await server.get('/v1/me/mfa', { authorization: `Bearer ${steppedUp['access_token']}` })
  expect(listed.body).toMatchObject({ factors: [{ type: 'passkey', name: 'Laptop' }] })
  const [credential] = await credentials()
  expect(credential).toMatchObject({ rpId: 'localhost', isResidentCredential: true })
  expect(Buffer.from(credential?.userHandle ?? '', 'base64').toString()).not.toContain(email)
})

test('an authenticator that has a passkey of the user adds no other', async () => {
  const { accessToken } = await userWithPasskey()
  const again = await run(`addPasskey(${text(accessToken)}, ${text(password)}, 'Again')`)
  expect(again).toMatchObject({ error: 'InvalidStateError' })
  expect(await credentials()).toHaveLength(1)
})

test('a page on another origin gets no session', async () => {
  const user = await userWithPasskey()
  const other = await openPage(originOf(otherPages))
  for (const credential of await credentials()) {
    await other.devTools.send('WebAuthn.addCredential', { authenticatorId: other.authenticatorId, credential })
  }
  const attempts = [
    'logInByPasskey()',
    `logIn(${text(user.email)}, ${text(password)})`,
    `stepUp(${text(user.accessToken)})`,
  ]
  for (const attempt of attempts) {
    expect(await run(attempt, other.page), attempt).toMatchObject({
      error: 'passkey_refused',
      detail: expect.stringContaining('WEBAUTHN_ORIGINS'),
    })
  }
})

test('another RP ID is refused by the browser, and one that the browser accepts by the server', async () => {
  await userWithPasskey()
  const withRpId = (rpId: string) =>
    `post('/v1/auth/passkeys/options').then((options) => usePasskey({ ...options, rpId: ${text(rpId)} }))`
  expect(await run(withRpId('example.com'))).toMatchObject({ error: 'SecurityError' })
  // A server at another domain, which the configuration keeps from listing this page.
  elsewhere.app.passkeys.relyingParty = { ...elsewhere.app.passkeys.relyingParty, origins: [origin] }
  const options = (await elsewhere.post('/v1/auth/passkeys/options', undefined, await userAgent())).body
  expect(options).toMatchObject({ rpId: 'app.localhost' })
  const used = await run(`usePasskey({ ...${JSON.stringify(options)}, rpId: 'localhost' })`)
  const answer = await elsewhere.post('/v1/auth/passkeys/login', { credential: used }, await userAgent())
  expect(answer).toMatchObject({ status: 403, body: { detail: expect.stringContaining('RP ID') } })
})

const userAgent = async () => ({ 'user-agent': String(await page.evaluate('navigator.userAgent')) })

test('a response is accepted once', async () => {
  const { email } = await userWithPasskey()
  const used = JSON.stringify(await run("post('/v1/auth/passkeys/options').then(usePasskey)"))
  const send = `post('/v1/auth/passkeys/login', { credential: ${used} })`
  expect(await run(send)).toMatchObject({ user: { email } })
  expect(await run(send)).toMatchObject({ error: 'passkey_refused', detail: expect.stringContaining('completed') })
})

test('a response after a minute is refused', async () => {
  await userWithPasskey()
  const { checkChallenge } = server.app.passkeys
  onTestFinished(() => {
    server.app.passkeys.checkChallenge = checkChallenge
  })
  server.app.passkeys.checkChallenge = (challenge, ceremony, now) =>
    checkChallenge(challenge, ceremony, new Date(now.getTime() + 60_000))
  expect(await run('logInByPasskey()')).toMatchObject({
    error: 'passkey_refused',
    detail: expect.stringContaining('expired'),
  })
})

test('a copy of a passkey is refused when its counter is behind, and the owner can still log in', async () => {
  const { email } = await userWithPasskey()
  const [copied] = await credentials()
  if (copied === undefined) throw new Error('the authenticator has no passkey')
  expect(await run('logInByPasskey()')).toMatchObject({ user: { email } })
  expect(await run('logInByPasskey()')).toMatchObject({ user: { email } })
  const thief = await openPage(origin)
  await thief.devTools.send('WebAuthn.addCredential', { authenticatorId: thief.authenticatorId, credential: copied })
  expect(await run('logInByPasskey()', thief.page)).toMatchObject({
    error: 'passkey_refused',
    detail: expect.stringContaining('counter'),
  })
  expect(await run('logInByPasskey()')).toMatchObject({ user: { email } })
})

test('a user whom the device does not verify does not log in with the passkey alone', async () => {
  await userWithPasskey()
  await devTools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  expect(await run('logInByPasskey()')).toMatchObject({ error: 'NotAllowedError' })
  // A page that does not insist gets no further.
  const careless =
    "post('/v1/auth/passkeys/options').then((o) => usePasskey({ ...o, userVerification: 'discouraged' }))"
  const used = await run(careless)
  expect(used).toMatchObject({ response: { authenticatorData: expect.any(String) } })
  expect(await run(`post('/v1/auth/passkeys/login', { credential: ${JSON.stringify(used)} })`)).toMatchObject({
    error: 'passkey_refused',
    detail: expect.stringContaining('verif'),
  })
})

test('a security key without a PIN is a second factor, and cannot log in alone', async () => {
  await devTools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
  authenticatorId = await addAuthenticator(devTools, {
    transport: 'usb',
    hasResidentKey: false,
    hasUserVerification: false,
  })
  const { email } = await userWithPasskey()
  expect(await credentials()).toMatchObject([{ isResidentCredential: false }])
  expect(await run(`logIn(${text(email)}, ${text(password)})`)).toMatchObject({ user: { email } })
  expect(await run('logInByPasskey()')).toMatchObject({ error: 'NotAllowedError' })
})

test('a user who cancels can try again', async () => {
  const { email } = await userWithPasskey()
  await devTools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false })
  const cancelled = await run(
    "post('/v1/auth/passkeys/options').then((options) => navigator.credentials.get({ publicKey: { ...PublicKeyCredential.parseRequestOptionsFromJSON(options), timeout: 10 }, signal: AbortSignal.timeout(500) }))",
  )
  expect(['NotAllowedError', 'AbortError', 'TimeoutError']).toContain(cancelled['error'])
  await devTools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: true })
  expect(await run('logInByPasskey()')).toMatchObject({ user: { email } })
})

test('a passkey that was removed, and one of a user who is unknown, do not log in', async () => {
  const { accessToken, factorId } = await userWithPasskey()
  const authorization = { authorization: `Bearer ${accessToken}` }
  expect((await server.delete(`/v1/me/mfa/factors/${factorId}`, authorization)).status).toBe(204)
  expect(await run('logInByPasskey()')).toMatchObject({ error: 'passkey_refused' })
})

test('a browser without a passkey logs nobody in', async () => {
  expect(await run('logInByPasskey()')).toMatchObject({ error: 'NotAllowedError' })
})
