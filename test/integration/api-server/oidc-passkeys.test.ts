import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CreationOptions, RequestOptions } from '../../../api-server/plugins/app/passkeys/options.ts'
import { type AppForTest, freshDatabase, password, startApp } from './app-for-test.ts'
import { newEmail, userOf } from './enrolling.ts'
import { Application, Browser, issuer, oidcFiles, type Page, shop } from './oidc-client.ts'
import { addPasskey, enrolPasskey, type PasskeyUser, passkeyEnvironment } from './passkey-user.ts'
import { codeOf, enrol, firstStep } from './second-factor.ts'
import { type Deviation, SoftwareAuthenticator } from './software-authenticator.ts'

/** Passkeys on the pages of the provider, whose script is replaced by these tests. test/browser runs the script. */
let server: AppForTest
let other: AppForTest
/** A deployment that requires second factors, and one that accepts passkeys only. */
let required: AppForTest
let onlyPasskeys: AppForTest
let application: Application

beforeAll(async () => {
  const files = await oidcFiles([shop])
  const environment = { ...files.environment, ...passkeyEnvironment, DATABASE_NAME: freshDatabase() }
  const strict = { ...environment, MFA_MODE: 'required', DATABASE_NAME: freshDatabase() } as const
  server = await startApp(environment)
  other = await startApp(environment)
  required = await startApp(strict)
  onlyPasskeys = await startApp({ ...strict, MFA_TOTP: 'false' })
  application = await Application.of(shop, server, other)
})
afterAll(() => Promise.all([server, other, required, onlyPasskeys].map((each) => each.close())))

/** A user whose authenticator is in a browser on the pages of the provider. */
const newUser = () => enrolPasskey(server, new SoftwareAuthenticator({ origin: 'https://app.example.com' }))

const deviation: Deviation = { origin: issuer }

/** The form for passkeys of a page, and what the script would fetch. */
function formOf({ text, url }: Page) {
  const [, action = '', kind, options = ''] =
    /<form method="post" action="([^"]+)" data-passkey="(\w+)" data-options="([^"]+)" hidden>/.exec(text) ?? []
  const [, fields = ''] = text.split('data-passkey=')
  const hidden = [...(fields.split('</form>')[0] ?? '').matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  return {
    kind,
    action: new URL(action, url),
    options: new URL(options, url),
    fields: Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value])),
  }
}

async function optionsOf<Options>(browser: Browser, page: Page): Promise<Options> {
  const { options, fields } = formOf(page)
  const answer = await browser.open(options, fields)
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 })
  expect(answer.headers.get('cache-control')).toBe('no-store')
  return JSON.parse(answer.text)
}

/** What the script does on a page that asks for a passkey. */
async function usePasskey(browser: Browser, page: Page, authenticator: SoftwareAuthenticator, more: Deviation = {}) {
  const options = await optionsOf<RequestOptions>(browser, page)
  const credential = JSON.stringify(authenticator.get(options, { ...deviation, ...more }))
  return send(browser, page, credential)
}

function send(browser: Browser, page: Page, credential: string): Promise<Page> {
  const { action, fields } = formOf(page)
  return browser.open(action, { ...fields, credential })
}

async function loginPage(at: AppForTest[] = [server, other], parameters: Record<string, string> = {}) {
  const browser = new Browser(...at)
  const flow = await application.start(parameters)
  return { browser, flow, page: await browser.open(flow.url) }
}

/** A browser after the right password of a user with a second factor. */
async function secondStep({ email }: Pick<PasskeyUser, 'email'>) {
  const begun = await loginPage()
  return { ...begun, page: await begun.browser.submit(begun.page, '/login', { email, password }) }
}

test('a user logs in with a passkey alone, and the tokens say so', async () => {
  const { authenticator } = await newUser()
  const { browser, flow, page } = await loginPage()
  expect(page.text).toContain('autocomplete="username webauthn"')
  expect(formOf(page).kind).toBe('login')
  const callback = await usePasskey(browser, page, authenticator)
  const tokens = await application.redeem(flow, callback.url)
  expect(tokens.claims()).toMatchObject({ acr: 'aal2', amr: ['hwk', 'user', 'mfa'] })
})

test('a passkey is the second step after the password, for users who have one', async () => {
  const user = await newUser()
  const { browser, flow, page } = await secondStep(user)
  const tokens = await application.redeem(flow, (await usePasskey(browser, page, user.authenticator)).url)
  expect(tokens.claims()).toMatchObject({ acr: 'aal2', amr: ['pwd', 'hwk', 'user', 'mfa'] })

  const { email } = await enrol(server)
  const app = await secondStep({ email })
  expect(app.page.text).not.toContain('data-passkey')
  expect(app.page.headers.get('content-security-policy')).not.toContain('script-src')
})

test('a recovery code still works where a passkey is offered, and a wrong code offers it again', async () => {
  const user = await newUser()
  const { browser, page } = await secondStep(user)
  const again = await browser.submit(page, '/code', { code: 'AAAA-AAAA-AAAA-AAAA' })
  expect(again.status).toBe(403)
  expect(formOf(again).kind).toBe('get')
  const done = await browser.submit(again, '/code', { code: user.recoveryCodes[0] ?? '' })
  expect(done.url.searchParams.get('code')).not.toBeNull()
})

test('a browser that is logged in with a remembered device steps up by a passkey', async () => {
  const user = await enrol(server)
  const authenticator = new SoftwareAuthenticator()
  const added = await addPasskey(server, user, authenticator)
  expect(added.status).toBe(200)
  const { browser, page } = await secondStep(user)
  expect((await usePasskey(browser, page, authenticator)).url.searchParams.get('code')).not.toBeNull()
  // As if the login had one factor.
  const sessions = server.app.mongo.db.collection('sessions')
  await sessions.updateMany(
    { userId: user.id, oauth: { $exists: false } },
    { $set: { authentication: { at: new Date(), methods: ['pwd'] } } },
  )
  const flow = await application.start({ acr_values: 'aal2' })
  const stepUp = await browser.open(flow.url)
  expect(formOf(stepUp).action.pathname).toMatch(/\/step-up\/passkey$/)
  const tokens = await application.redeem(flow, (await usePasskey(browser, stepUp, authenticator)).url)
  expect(tokens.claims()).toMatchObject({ acr: 'aal2' })
})

test('a user who must set up a second factor can add a passkey at the login, and then log in with it alone', async () => {
  for (const at of [required, onlyPasskeys]) {
    const email = newEmail()
    await at.post('/v1/auth/register', { email, password, name: 'Test User' })
    const { browser, page } = await loginPage([at])
    const enrolment = await browser.submit(page, '/login', { email, password })
    expect(enrolment.text.includes('/enrol/totp')).toBe(at === required)
    const authenticator = new SoftwareAuthenticator()
    const options = await optionsOf<CreationOptions>(browser, enrolment)
    expect(options).toMatchObject({ user: { name: email } })
    const created = authenticator.create(options, deviation)
    const shown = await send(browser, enrolment, JSON.stringify(created))
    expect(shown.text.match(/<li><code>/g)).toHaveLength(10)
    const next = /class="button" href="([^"]+)"/.exec(shown.text)?.[1] ?? ''
    expect((await browser.open(next)).url.searchParams.get('code')).not.toBeNull()
    const later = await loginPage([at])
    const callback = await usePasskey(later.browser, later.page, authenticator)
    expect(callback.url.searchParams.get('code')).not.toBeNull()
    expect((await at.app.mfa.factors.find((await userOf(at, email))._id))?.factors).toHaveLength(1)
  }
})

const wrongUses: [string, Deviation][] = [
  ['of a page of another site', { origin: 'https://evil.example' }],
  ['for another domain', { rpId: 'evil.example' }],
  ['of a user who was not verified', { isUserVerified: false }],
  ['in a frame of another site', { crossOrigin: true }],
  ['with another challenge', { challenge: 'A'.repeat(75) }],
  ['of another type', { type: 'webauthn.create' }],
]

test.each(wrongUses)('a passkey %s logs no user in', async (_what, wrong) => {
  const { authenticator } = await newUser()
  const { browser, page } = await loginPage()
  const answer = await usePasskey(browser, page, authenticator, wrong)
  expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('not accepted') })
  expect(answer.text).toContain('type="password"')
})

test('options belong to one login in one browser, and one step of it, and count once', async () => {
  const user = await newUser()
  const { browser, page } = await loginPage()
  const credential = JSON.stringify(user.authenticator.get(await optionsOf(browser, page), deviation))
  // Another browser, with a login of its own: what a thief who has seen the response could do.
  const thief = await loginPage()
  expect((await send(thief.browser, thief.page, credential)).status).toBe(403)
  expect((await send(thief.browser, page, credential)).status).toBe(400)
  // Another login in another tab of the same browser.
  const tab = await browser.open((await application.start()).url)
  expect((await send(browser, tab, credential)).status).toBe(403)
  // Options of a login for a second step, of a user whose password is known.
  const step = await secondStep(user)
  expect((await send(step.browser, step.page, credential)).status).toBe(403)
  expect((await server.post('/v1/auth/passkeys/login', { credential: JSON.parse(credential) })).status).toBe(403)
  expect((await send(browser, page, credential)).url.searchParams.get('code')).not.toBeNull()
  expect((await send(browser, tab, credential)).status).toBe(403)
})

test('options of the API are of no use on the pages', async () => {
  const { authenticator } = await newUser()
  const { body } = await server.post('/v1/auth/passkeys/options', undefined, { 'user-agent': 'Test Browser' })
  const credential = JSON.stringify(authenticator.get(body as unknown as RequestOptions, deviation))
  const { browser, page } = await loginPage()
  expect((await send(browser, page, credential)).status).toBe(403)
})

test('the passkey of another user completes no second step', async () => {
  const [victim, thief] = [await newUser(), await newUser()]
  const { browser, page } = await secondStep(victim)
  const answer = await usePasskey(browser, page, thief.authenticator)
  expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('not accepted') })
})

test('a token of the API of a first step is of no use on the pages', async () => {
  const user = await newUser()
  const mfaToken = await firstStep(server, user, { 'user-agent': 'Test Browser' })
  const { browser, page } = await loginPage()
  const answer = await browser.open(`${page.url.pathname}/code/passkey/options`, { mfa_token: mfaToken })
  expect(answer.status).toBe(401)
  expect((await browser.open(`${page.url.pathname}/code`, { mfa_token: mfaToken, code: '123456' })).status).toBe(401)
})

test('a form without its script says what to do', async () => {
  const { browser, page } = await loginPage()
  for (const credential of ['', 'null', '{}', '[]', '{"id":1}', 'a'.repeat(10_000)]) {
    const answer = await send(browser, page, credential)
    expect({ credential, status: answer.status }).toEqual({ credential, status: 403 })
    expect(answer.text).toContain('type="password"')
  }
})

test('forms and options are refused from other origins', async () => {
  const { browser, page } = await loginPage()
  const { action, options } = formOf(page)
  for (const target of [action, options]) {
    for (const origin of ['https://evil.example', 'https://app.example.com', 'null', '']) {
      expect((await browser.open(target, {}, origin)).status).toBe(403)
    }
  }
})

test('only pages with passkeys may run the script, which is one file of this server', async () => {
  const { browser, page } = await loginPage()
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("script-src 'self';connect-src 'self';")
  expect(policy).not.toContain('unsafe')
  const sources = [...page.text.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)]
  expect(sources.map(([, attributes, inline]) => [attributes, inline])).toEqual([
    [' src="/oauth/passkeys.js" defer', ''],
  ])
  const script = await browser.open('/oauth/passkeys.js')
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(script.headers.get('x-content-type-options')).toBe('nosniff')
  const forgot = await browser.open(`${page.url.pathname}/register`)
  expect(forgot.headers.get('content-security-policy')).not.toContain('script-src')
})

test('a login by passkeys counts for the limit of an address as at the API', async () => {
  const limited = await startApp({
    ...passkeyEnvironment,
    ...(await oidcFiles([shop])).environment,
    RATE_LIMIT_LOGIN: '3/h',
  })
  try {
    const statuses = []
    for (let attempt = 0; attempt < 4; attempt++) {
      const { browser, page } = await loginPage([limited])
      statuses.push((await usePasskey(browser, page, (await newUser()).authenticator)).status)
    }
    expect(statuses).toEqual([403, 403, 403, 429])
  } finally {
    await limited.close()
  }
})

test('codes of an app work beside passkeys', async () => {
  const user = await enrol(server)
  await addPasskey(server, user, new SoftwareAuthenticator())
  const { browser, page } = await secondStep(user)
  const done = await browser.submit(page, '/code', { code: codeOf(user.secret) })
  expect(done.url.searchParams.get('code')).not.toBeNull()
})
