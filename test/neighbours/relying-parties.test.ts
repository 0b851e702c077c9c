import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../tools/local-servers/server-process.ts'
import { password } from '../integration/api-server/app-for-test.ts'
import type { Page } from '../integration/support/relying-party.ts'
import { applications, startNodeGuide } from './relying-parties/applications.ts'
import { type Provider, type Site, startProvider } from './relying-parties/provider.ts'

/** Applications with OpenID Connect libraries of other projects, behind TLS, each as a client of one auth server. */
let provider: Provider

beforeAll(async () => {
  const clientIds = [...applications.map(({ clientId }) => clientId), 'node-guide']
  provider = await startProvider(Object.fromEntries(clientIds.map((id) => [id, { callback: '/callback' }])))
})
afterAll(() => provider?.stop())

/** The status of the access token at the server, for an application. */
async function verified(accessToken: string): Promise<number> {
  const { status } = await provider.server.get('/v1/auth/verify?scope=openid', {
    authorization: `Bearer ${accessToken}`,
  })
  return status
}

function shown({ status, text }: Page): { sub: string; email: string; access_token: string } {
  expect(status, text).toBe(200)
  return JSON.parse(text)
}

describe.each(applications)('$name', ({ clientId, start }) => {
  let site: Site
  let running: ServerProcess

  beforeAll(async () => {
    site = provider.site(clientId)
    running = await start(site)
  })
  afterAll(() => running?.stop())

  test('logs a user in, refreshes, and logs out', async () => {
    const email = await provider.register()
    const browser = provider.browser()
    expect(await browser.open(`${site.url}/`)).toMatchObject({ status: 401 })

    const page = await browser.open(`${site.url}/login`)
    expect(page.url.origin, page.text).toBe(provider.issuer)
    const first = shown(await browser.submit(page, '/login', { email, password }))
    expect(first.email).toBe(email)
    const { sid, client_id } = decodeJwt(first.access_token)
    expect(client_id).toBe(clientId)
    expect(await verified(first.access_token)).toBe(200)

    const second = shown(await browser.open(`${site.url}/refresh`))
    expect(second.access_token).not.toBe(first.access_token)
    expect(decodeJwt(second.access_token)).toMatchObject({ sub: first.sub, sid, client_id })
    // The refresh token has changed as well, and the application has kept the new one.
    shown(await browser.open(`${site.url}/refresh`))

    const question = await browser.open(`${site.url}/logout`)
    expect(question.url.origin, question.text).toBe(provider.issuer)
    const after = await browser.submit(question, '/oauth/logout/confirm', { logout: 'yes' })
    expect({ url: String(after.url), status: after.status }).toEqual({ url: `${site.url}/`, status: 401 })
    await expect.poll(() => verified(second.access_token), { timeout: 1_000 }).toBe(401)
    expect((await browser.open(`${site.url}/login`)).text).toContain('name="password"')
  })
})

describe('the server of docs/guides/node.md', () => {
  let site: Site
  let folder: string
  let running: ServerProcess

  beforeAll(async () => {
    site = provider.site('node-guide')
    folder = await mkdtemp(join(tmpdir(), 'authservice-node-guide-'))
    running = await startNodeGuide(site, folder)
  })
  afterAll(async () => {
    await running?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const isLoginPage = ({ url, text }: Page) => url.origin === provider.issuer && text.includes('name="password"')

  async function loggedIn() {
    const email = await provider.register()
    const browser = provider.browser()
    const page = await browser.open(`${site.url}/`)
    expect(isLoginPage(page), page.text).toBe(true)
    expect(await browser.submit(page, '/login', { email, password })).toMatchObject({ text: `Hello ${email}` })
    return { email, browser }
  }

  test('logs a user in, refreshes before each page, and logs out', async () => {
    const { email, browser } = await loggedIn()
    // Each page uses the refresh token of the one before.
    for (let page = 0; page < 2; page++) {
      expect(await browser.open(`${site.url}/`)).toMatchObject({ text: `Hello ${email}` })
    }
    const question = await browser.open(`${site.url}/logout`)
    const after = await browser.submit(question, '/oauth/logout/confirm', { logout: 'yes' })
    expect(isLoginPage(after), after.text).toBe(true)
  })

  test('two pages at once get tokens, and a session that has ended leads to the login page', async () => {
    const { email, browser } = await loggedIn()
    const pages = await Promise.all([1, 2, 3].map(() => browser.open(`${site.url}/`)))
    expect(pages.map(({ text }) => text)).toEqual(Array(3).fill(`Hello ${email}`))
    const login = await provider.server.post('/v1/auth/login', { email, password })
    const authorization = `Bearer ${login.body['access_token']}`
    expect((await provider.server.post('/v1/auth/logout-all', {}, { authorization })).status).toBe(204)
    expect(isLoginPage(await browser.open(`${site.url}/`))).toBe(true)
  })
})
