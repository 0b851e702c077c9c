import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { AppForTest } from './app-for-test.ts'
import { goToProvider, logInAt, type ProviderDeployment, startProviderDeployment } from './identity-provider-user.ts'
import { Browser, issuer, type Page, redirectUri } from './oidc-client.ts'
import { type ProviderFaults, TestProvider } from './test-provider.ts'

let honest: TestProvider
let attacker: TestProvider
let deployment: ProviderDeployment
let server: AppForTest

beforeAll(async () => {
  ;[honest, attacker] = await Promise.all([TestProvider.start(), TestProvider.start()])
  deployment = await startProviderDeployment([honest.entry('honest'), attacker.entry('attacker')])
  server = deployment.server
})
afterEach(() => {
  honest.faults = {}
  attacker.faults = {}
})
afterAll(async () => {
  await deployment?.close()
  await honest?.stop()
  await attacker?.stop()
})

let count = 0
const newUser = () => {
  count++
  const name = `victim${count}`
  return { sub: name, email: `${name}@example.org`, email_verified: true, name }
}
const accounts = (email: string) => server.app.mongo.db.collection('users').countDocuments({ email })
const isLoggedIn = ({ url }: Page) => url.href.startsWith(`${redirectUri}?code=`)

/** The answer is refused, and nothing is created. */
async function expectRefusal(page: Page, email: string, status: number): Promise<void> {
  expect(isLoggedIn(page)).toBe(false)
  expect(page.url.origin).toBe(issuer)
  expect(page.status).toBe(status)
  expect(await accounts(email)).toBe(0)
}

test('login CSRF: the answer to a login of another browser is refused', async () => {
  const claims = newUser()
  const { url } = await goToProvider(deployment, 'honest')
  const callback = honest.answer(url, claims)
  const victim = await goToProvider(deployment, 'honest')
  await expectRefusal(await victim.browser.open(callback), claims.email, 400)
  await expectRefusal(await new Browser(server).open(callback), claims.email, 400)
})

test('the callback does not tell another browser which interaction the answer belongs to', async () => {
  const { url } = await goToProvider(deployment, 'honest')
  const { pathname, search } = honest.answer(url, newUser())
  const answer = await server.app.inject({ method: 'GET', url: pathname + search })
  expect(answer.statusCode).toBe(400)
  expect(answer.headers.location).toBeUndefined()
})

test('a state works once, on all servers', async () => {
  const claims = newUser()
  const { browser, url } = await goToProvider(deployment, 'honest')
  const first = honest.answer(url, claims)
  expect(isLoggedIn(await browser.open(first))).toBe(true)
  expect(isLoggedIn(await browser.open(first))).toBe(false)
  expect(isLoggedIn(await browser.open(honest.answer(url, claims)))).toBe(false)
})

test('of two uses of a state at once, one counts', async () => {
  const { pending } = server.app.identityProviders
  const login = { provider: 'honest', interaction: 'one', browser: 'b', nonce: 'n', codeVerifier: 'v' }
  const state = await pending.begin(login, new Date())
  const others = deployment.other.app.identityProviders.pending
  const taken = await Promise.all([pending, others, pending, others].map((each) => each.take(state, new Date())))
  expect(taken.filter((each) => each !== undefined)).toHaveLength(1)
})

test('a state ends after ten minutes', async () => {
  const { pending } = server.app.identityProviders
  const begun = new Date()
  const state = await pending.begin(
    { provider: 'honest', interaction: 'one', browser: 'b', nonce: 'n', codeVerifier: 'v' },
    begun,
  )
  expect(await pending.take(state, new Date(begun.getTime() + 600_000))).toBeUndefined()
  expect(await pending.take(state, begun)).toMatchObject({ interaction: 'one', state })
})

test('an answer counts only for the interaction that began it', async () => {
  const claims = newUser()
  const browser = new Browser(server, deployment.other)
  const first = await goToProvider(deployment, 'honest', browser)
  const second = await goToProvider(deployment, 'honest', browser)
  const [one, two] = [first.url, second.url].map((url) => new URL(honest.answer(url, claims)))
  const interaction = /interaction\/([\w-]+)/.exec((await browser.open(second.flow.url)).text)?.[1]
  const mixed = `/oauth/interaction/${interaction}/callback/honest${one?.search}`
  await expectRefusal(await browser.open(mixed), claims.email, 400)
  expect(isLoggedIn(await browser.open(two ?? ''))).toBe(true)
})

test('mix-up: an answer to one provider is refused at the address of another', async () => {
  const claims = newUser()
  const { browser, url } = await goToProvider(deployment, 'attacker')
  const { search } = honest.answer(url, claims)
  await expectRefusal(await browser.open(`/oauth/callback/honest${search}`), claims.email, 400)
})

test.each([
  ['of another provider', () => honest.issuer],
  ['missing although the provider always sends it', () => null],
])('mix-up: an answer whose iss is %s is refused', async (_, responseIssuer) => {
  const claims = newUser()
  attacker.faults = { responseIssuer: responseIssuer() }
  const { page } = await logInAt(deployment, attacker, 'attacker', claims)
  await expectRefusal(page, claims.email, 502)
  expect(attacker.requests.filter((path) => path === '/token')).toEqual([])
})

test('a code that the provider issued to another client is refused', async () => {
  const claims = newUser()
  const mine = await goToProvider(deployment, 'honest')
  // The attacker has it from a login of the victim at another application.
  const stolen = honest.answer(new URL(`${honest.issuer}/authorize?redirect_uri=https://game.example.com/`), claims)
  const callback = honest.answer(mine.url, newUser())
  callback.searchParams.set('code', stolen.searchParams.get('code') ?? '')
  await expectRefusal(await mine.browser.open(callback), claims.email, 502)
})

test('a code of another login at this server is refused, because of PKCE', async () => {
  const claims = newUser()
  const victim = await goToProvider(deployment, 'honest')
  const stolen = honest.answer(victim.url, claims)
  const mine = await goToProvider(deployment, 'honest')
  const callback = honest.answer(mine.url, newUser())
  callback.searchParams.set('code', stolen.searchParams.get('code') ?? '')
  await expectRefusal(await mine.browser.open(callback), claims.email, 502)
})

const aFewMinutesAgo = Math.floor(Date.now() / 1000) - 600
test.each<[string, ProviderFaults]>([
  ['another issuer', { claims: { iss: 'https://accounts.google.com' } }],
  ['another audience', { claims: { aud: 'another-client' } }],
  ['several audiences and another authorized party', { claims: { aud: ['auth-server', 'x'], azp: 'x' } }],
  ['no nonce', { claims: { nonce: undefined } }],
  ['another nonce', { claims: { nonce: 'another' } }],
  ['an expiry in the past', { claims: { exp: aFewMinutesAgo, iat: aFewMinutesAgo - 60 } }],
  ['no subject', { claims: { sub: undefined } }],
  ['no signature', { signature: 'none' }],
  ['a signature of another key', { signature: 'foreign key' }],
])('an ID token with %s is refused', async (_, faults) => {
  const claims = newUser()
  honest.faults = faults
  const { page } = await logInAt(deployment, honest, 'honest', claims)
  await expectRefusal(page, claims.email, 502)
  expect(page.text).toContain('The answer of HONEST cannot be used.')
})

test('the metadata of another issuer are refused', async () => {
  const pretender = await TestProvider.start()
  try {
    pretender.faults = { metadata: { issuer: honest.issuer } }
    await deployment.useProviders([honest.entry('honest'), attacker.entry('attacker'), pretender.entry('pretender')])
    const { application, other } = deployment
    const browser = new Browser(server, other)
    const page = await browser.open((await application.start()).url)
    expect(await browser.follow(page, '/provider/pretender')).toMatchObject({ status: 502 })
    // Nor is a redirect followed, to an address of the network of the servers.
    pretender.faults = { redirectTo: `${honest.issuer}/.well-known/openid-configuration` }
    honest.requests = []
    expect(await browser.follow(page, '/provider/pretender')).toMatchObject({ status: 502 })
    expect(honest.requests).toEqual([])
    pretender.faults = { bytes: 2_000_000 }
    expect(await browser.follow(page, '/provider/pretender')).toMatchObject({ status: 502 })
    pretender.faults = {}
    expect((await browser.follow(page, '/provider/pretender')).url.origin).toBe(pretender.issuer)
  } finally {
    await pretender.stop()
  }
})

test.each([false, undefined, 'yes', 1])('an email whose email_verified is %s creates no account', async (verified) => {
  const claims = { ...newUser(), email_verified: verified }
  const { page } = await logInAt(deployment, attacker, 'attacker', claims)
  await expectRefusal(page, claims.email, 200)
  expect(page.text).toContain('ATTACKER has not confirmed your email')
})

test('whether an unverified email has an account is not disclosed', async () => {
  const known = newUser()
  await logInAt(deployment, honest, 'honest', known)
  const texts: string[] = []
  for (const email of [known.email, newUser().email]) {
    const { page } = await logInAt(deployment, attacker, 'attacker', { sub: email, email, email_verified: false })
    texts.push(page.text.replaceAll(email, 'EMAIL').replace(/interaction(\/|%2F)[\w-]+/g, 'interaction'))
  }
  expect(texts[0]).toBe(texts[1])
})

test('a changed email at the provider leads to the same account, and takes over no other one', async () => {
  const victim = newUser()
  await logInAt(deployment, honest, 'honest', victim)
  const claims = newUser()
  await logInAt(deployment, honest, 'honest', claims)
  const { page } = await logInAt(deployment, honest, 'honest', { ...claims, email: victim.email })
  expect(isLoggedIn(page)).toBe(true)
  const user = await server.app.users.findByEmail(victim.email as never)
  const identities = user === null ? [] : await server.app.identities.ofUser(user._id)
  expect(identities.map(({ subject }) => subject)).toEqual([victim.sub])
})

test('the same subject at another provider is another user', async () => {
  const claims = newUser()
  await logInAt(deployment, honest, 'honest', claims)
  const { page } = await logInAt(deployment, attacker, 'attacker', claims)
  expect(isLoggedIn(page)).toBe(false)
  expect(page.text).toContain('There is an account with your email already.')
})

test.each([
  '/oauth/callback/https:%2f%2fevil.example',
  '/oauth/callback/honest?state=%2f%2fevil.example&code=1',
  '/oauth/callback/honest?state=a&state=b',
  '/oauth/callback/honest',
  '/oauth/callback/unknown?state=1&code=1',
])('%s leads nowhere', async (url) => {
  const answer = await server.app.inject({ method: 'GET', url })
  expect(answer.statusCode).toBe(400)
  expect(answer.headers.location).toBeUndefined()
})

test('a provider that hangs or fails is named, and passwords work', async () => {
  honest.faults = { token: 503 }
  const failed = await logInAt(deployment, honest, 'honest', newUser())
  expect(failed.page.status).toBe(503)
  expect(failed.page.text).toContain('HONEST is unavailable.')
  honest.faults = { token: 'hang' }
  const begun = Date.now()
  const hanging = await logInAt(deployment, honest, 'honest', newUser())
  expect(hanging.page.status).toBe(503)
  expect(Date.now() - begun).toBeLessThan(9_000)
  expect(hanging.page.text).toContain('type="password"')
  expect(await server.app.metrics.registry.metrics()).toContain('provider="honest",result="unavailable"')
})

test('a user who refuses at the provider comes back to the page', async () => {
  const { browser, url } = await goToProvider(deployment, 'honest')
  const callback = honest.answer(url, newUser())
  callback.searchParams.delete('code')
  callback.searchParams.set('error', 'access_denied')
  const page = await browser.open(callback)
  expect(page.status).toBe(403)
  expect(page.text).toContain('HONEST has not logged you in.')
})
