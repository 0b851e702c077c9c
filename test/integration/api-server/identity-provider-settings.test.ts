import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'
import { goToProvider, logInAt, type ProviderDeployment, startProviderDeployment } from './identity-provider-user.ts'
import { Application, Browser, oidcFiles, shop } from './oidc-client.ts'
import { codeOf, enrol, mfaEnvironment, wrongCodeOf } from './second-factor.ts'
import { TestProvider } from './test-provider.ts'

let provider: TestProvider
let deployment: ProviderDeployment
let server: AppForTest

beforeAll(async () => {
  provider = await TestProvider.start()
  deployment = await startProviderDeployment(
    [provider.entry('plain'), provider.entry('trusted', { secondFactor: { amr: ['mfa'] }, acrValues: ['gold'] })],
    mfaEnvironment,
  )
  server = deployment.server
})
afterEach(() => {
  vi.restoreAllMocks()
})
afterAll(async () => {
  await deployment?.close()
  await provider?.stop()
})

/** A user with a second factor, whose account is linked to one of the provider. */
async function linkedUser(sub: string) {
  const email = `${sub}@example.org`
  const user = await enrol(server, email)
  const claims = { sub, email, email_verified: true }
  const { browser, page } = await logInAt(deployment, provider, 'plain', claims)
  const code = await browser.submit(page, '/login', { email, password })
  expect(await server.app.identities.ofUser(user.id)).toEqual([])
  const done = await browser.submit(code, '/code', { code: codeOf(user.secret) })
  expect(done.url.host).toBe('shop.example.com')
  return { user, claims }
}

test('the proof for a link includes the second factor, and later logins need it, too', async () => {
  const { user, claims } = await linkedUser('careful')
  const { browser, flow, page } = await logInAt(deployment, provider, 'plain', claims)
  expect(page.text).toContain('Enter your code')
  const wrong = await browser.submit(page, '/code', { code: wrongCodeOf(user.secret) })
  expect(wrong.status).toBe(403)
  const done = await browser.submit(wrong, '/code', { code: user.recoveryCodes[0] ?? '' })
  const tokens = await deployment.application.redeem(flow, done.url)
  expect(decodeJwt(tokens.access_token)).toMatchObject({ acr: 'aal2', amr: expect.arrayContaining(['fed', 'mfa']) })
  expect(decodeJwt(tokens.access_token)['amr']).not.toContain('pwd')
})

test('a second factor of a provider counts only if the settings trust it', async () => {
  const { claims } = await linkedUser('trusting')
  const withFactor = { ...claims, amr: ['pwd', 'mfa'] }
  const plain = await logInAt(deployment, provider, 'plain', withFactor)
  expect(plain.page.text).toContain('Enter your code')
  const without = await logInAt(deployment, provider, 'trusted', { ...claims, amr: ['pwd'] })
  expect(without.page.text).toContain('Enter your code')
  const trusted = await goToProvider(deployment, 'trusted')
  expect(trusted.url.searchParams.get('acr_values')).toBe('gold')
  const page = await trusted.browser.open(provider.answer(trusted.url, withFactor))
  const tokens = await deployment.application.redeem(trusted.flow, page.url)
  expect(decodeJwt(tokens.access_token)).toMatchObject({ acr: 'aal2', amr: ['fed', 'mfa'] })
})

test('a client that wants a new authentication gets one at the provider', async () => {
  for (const parameters of [{ prompt: 'login' }, { max_age: '60' }]) {
    const { url } = await goToProvider(deployment, 'plain', undefined, parameters)
    expect(url.searchParams.get('prompt')).toBe('login')
  }
  expect((await goToProvider(deployment, 'plain')).url.searchParams.get('prompt')).toBeNull()
})

test('servers follow their file, and an invalid one changes nothing', async () => {
  const error = vi.spyOn(server.app.log, 'error')
  const entries = [provider.entry('plain'), provider.entry('trusted', { secondFactor: { amr: ['mfa'] } })]
  await deployment.replaceProviders([{ ...entries[0], issuer: 'http://id.example.com' }])
  const sentence = expect.stringContaining('provider plain: issuer: http://id.example.com does not begin with https://')
  await expect
    .poll(() => error.mock.calls, { timeout: 15_000 })
    .toContainEqual([{ reason: sentence }, 'earlier identity providers stay in use'])
  expect(JSON.stringify(error.mock.calls)).not.toContain(provider.clientSecret)
  expect(server.app.identityProviders.all.map(({ id }) => id)).toEqual(['plain', 'trusted'])
  await deployment.useProviders([...entries, provider.entry('late')])
  const { url } = await goToProvider(deployment, 'late')
  expect(url.origin).toBe(provider.issuer)
  await deployment.useProviders(entries)
  const browser = new Browser(server)
  const page = await browser.open((await deployment.application.start()).url)
  expect(page.text).not.toContain('LATE')
  expect((await browser.open(`${page.url.pathname}/provider/late`)).status).toBe(400)
})

test('a login in progress ends when its provider is removed', async () => {
  const entries = [provider.entry('plain'), provider.entry('trusted')]
  await deployment.useProviders([...entries, provider.entry('gone')])
  const { browser, url } = await goToProvider(deployment, 'gone')
  await deployment.useProviders(entries)
  const page = await browser.open(
    provider.answer(url, { sub: 'gone', email: 'gone@example.org', email_verified: true }),
  )
  expect(page.status).toBe(400)
})

test('a server starts without its provider, reads the secret from a file, and passwords work', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'provider-'))
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, 'secret\n')
  const away = {
    ...provider.entry('away'),
    issuer: 'http://127.0.0.1:9',
    authentication: { method: 'secret', secretFile },
  }
  const file = join(folder, 'providers.json')
  await writeFile(file, JSON.stringify({ version: 1, providers: [away] }))
  const { environment } = await oidcFiles([shop])
  const alone = await startApp({ ...environment, IDENTITY_PROVIDERS_FILE: file })
  try {
    expect(alone.app.identityProviders.find('away')?.clientSecret).toBe('secret')
    const { email } = await logIn(alone)
    const browser = new Browser(alone)
    const application = await Application.of(shop, alone)
    const flow = await application.start()
    const page = await browser.follow(await browser.open(flow.url), '/provider/away')
    expect(page.status).toBe(503)
    expect(page.text).toContain('AWAY is unavailable.')
    const done = await browser.submit(page, '/login', { email, password })
    await application.redeem(flow, done.url)
  } finally {
    await alone.close()
  }
})

test.each([
  ['is invalid', '{"version":1}'],
  [
    'names a secret that does not exist',
    JSON.stringify({
      version: 1,
      providers: [
        {
          id: 'a',
          name: 'A',
          issuer: 'https://a.example',
          clientId: 'a',
          authentication: { method: 'secret', secretFile: '/nowhere/secret' },
        },
      ],
    }),
  ],
])('a server does not start with a file that %s', async (_, text) => {
  const file = join(await mkdtemp(join(tmpdir(), 'provider-')), 'providers.json')
  await writeFile(file, text)
  const { environment } = await oidcFiles([shop])
  await expect(startApp({ ...environment, IDENTITY_PROVIDERS_FILE: file })).rejects.toThrow('cannot be used')
})
