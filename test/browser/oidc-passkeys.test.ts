import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../tools/local-servers/server-process.ts'
import { type AppForTest, freshDatabase, password, startApp } from '../integration/api-server/app-for-test.ts'
import { newEmail } from '../integration/api-server/enrolling.ts'
import { oidcFiles, redirectUri, shop } from '../integration/api-server/oidc-client.ts'
import { mfaEnvironment } from '../integration/api-server/second-factor.ts'
import { addAuthenticator, launchChromium } from './passkey-page.ts'

/** The script of the pages of the OpenID provider, in Chromium with its virtual authenticator. */
let server: AppForTest
let issuer: string
let browser: Browser
let page: Page
let devTools: CDPSession
let authenticatorId: string

beforeAll(async () => {
  const port = await freePort()
  issuer = `http://localhost:${port}`
  const files = await oidcFiles([shop])
  server = await startApp({
    ...files.environment,
    ...mfaEnvironment,
    MFA_MODE: 'required',
    DATABASE_NAME: freshDatabase(),
    JWT_ISSUER: issuer,
    WEBAUTHN_RP_ID: 'localhost',
    WEBAUTHN_ORIGINS: issuer,
  })
  await server.app.listen({ host: 'localhost', port })
  // No host but this one: the application is only an address to be called back at.
  browser = await launchChromium('--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost')
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})
beforeEach(async () => {
  await newWindow()
})

/** A window without cookies, and with an authenticator that has no passkeys. */
async function newWindow(options: { javaScriptEnabled?: boolean } = {}): Promise<void> {
  const context = await browser.newContext(options)
  onTestFinished(() => context.close())
  page = await context.newPage()
  devTools = await context.newCDPSession(page)
  await devTools.send('WebAuthn.enable', { enableUI: false })
  authenticatorId = await addAuthenticator(devTools)
}

const authorization = () =>
  `${issuer}/oauth/authorize?${new URLSearchParams({
    client_id: shop.id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    state: 'state',
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  })}`

/** Resolves when the browser is sent back to the application with a code. */
const calledBack = () =>
  page.waitForRequest((request) => {
    const url = new URL(request.url())
    return url.href.startsWith(redirectUri) && url.searchParams.get('code') !== null
  })

const button = (name: string) => page.getByRole('button', { name })

/** Registers a user on the pages, who adds a passkey, saves recovery codes and goes on. */
async function registerWithPasskey(): Promise<string> {
  const email = newEmail()
  await page.goto(authorization())
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Name', { exact: true }).fill('Test User')
  await page.getByLabel('New password', { exact: true }).fill(password)
  await page.getByLabel('Repeat the new password').fill(password)
  await button('Create account').click()
  await button('Use a passkey').click()
  await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor()
  const back = calledBack()
  await page.getByRole('link', { name: 'I have saved the codes' }).click()
  await back
  return email
}

test('a user registers, adds a passkey, and logs in with it alone by the button', async () => {
  await registerWithPasskey()
  const { credentials } = await devTools.send('WebAuthn.getCredentials', { authenticatorId })
  expect(credentials).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }])
  await page.context().clearCookies()
  // As in a browser that offers no passkeys in fields: the authenticator would answer there before the button is pressed.
  await page.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = async () => false')
  await page.goto(authorization())
  const back = calledBack()
  await button('Use a passkey').click()
  await back
})

test('the browser offers the passkey in the field for the email, without a button', async () => {
  await registerWithPasskey()
  await page.context().clearCookies()
  const back = calledBack()
  await page.goto(authorization(), { waitUntil: 'commit' })
  await back
})

test('a passkey is the second step after the password', async () => {
  const email = await registerWithPasskey()
  await page.context().clearCookies()
  await devTools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false })
  await page.goto(authorization())
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await button('Log in').click()
  await page.getByRole('heading', { name: 'Enter your code' }).waitFor()
  await devTools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: true })
  const back = calledBack()
  await button('Use a passkey').click()
  await back
})

test('a user who cancels is told so, and can go on with the password', async () => {
  const email = await registerWithPasskey()
  await page.context().clearCookies()
  await devTools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await page.goto(authorization())
  await button('Use a passkey').click()
  await page.getByText('No passkey was used.').waitFor()
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await button('Log in').click()
  await page.getByRole('heading', { name: 'Enter your code' }).waitFor()
})

test('without JavaScript, no page offers passkeys, and the password works', async () => {
  const email = await registerWithPasskey()
  await newWindow({ javaScriptEnabled: false })
  await page.goto(authorization())
  expect(await button('Use a passkey').isVisible()).toBe(false)
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await button('Log in').click()
  await page.getByRole('heading', { name: 'Enter your code' }).waitFor()
  expect(await button('Use a passkey').isVisible()).toBe(false)
})

test('a user adds another passkey on the pages of the account', async () => {
  await registerWithPasskey()
  await page.goto(`${issuer}/account/factors`)
  await page.getByRole('link', { name: 'Add a passkey' }).click()
  // Another device: the first one has a passkey of the user.
  await devTools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
  authenticatorId = await addAuthenticator(devTools)
  await page.getByLabel('Name of the factor').fill('Phone')
  await page.getByLabel('Current password').fill(password)
  await button('Continue').click()
  await button('Create the passkey').click()
  await page.getByText('The factor is added.').waitFor()
  await page.getByRole('link', { name: 'Phone' }).waitFor()
})

test('no page of the flow breaks its policy or fails in the console', async () => {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await registerWithPasskey()
  expect(complaints.filter((text) => !text.includes('ERR_NAME_NOT_RESOLVED'))).toEqual([])
})
