import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { freePort, type ServerProcess, startProcess } from '../../tools/local-servers/server-process.ts'
import { neighbour } from '../../tools/neighbours/programs.ts'
import { password } from '../integration/api-server/app-for-test.ts'
import type { Page, PageBrowser } from '../integration/support/relying-party.ts'
import { guideBlock, replaced } from './relying-parties/guide.ts'
import { type Provider, type Site, startProvider } from './relying-parties/provider.ts'

/** oauth2-proxy with the arguments of docs/guides/oauth2-proxy.md, in front of a page that shows its headers. */
let provider: Provider
let wiki: Site
let upstream: Server
let proxy: ServerProcess
const upstreamPort = await freePort()

beforeAll(async () => {
  provider = await startProvider({ wiki: { callback: '/oauth2/callback' } })
  wiki = provider.site('wiki')
  upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  await new Promise<void>((listening) => upstream.listen(upstreamPort, '127.0.0.1', listening))
  proxy = await startProxy(wiki)
})
afterAll(async () => {
  await proxy?.stop()
  upstream?.close()
  await provider?.stop()
})

/** The arguments of the page, with a refresh after a second. The access token is passed on so that the test sees it. */
function proxyArguments({ url, port, issuer, caFile }: Site): string[] {
  const deployment = parse(guideBlock('oauth2-proxy.md', 'yaml', 'kind: Deployment'))
  const written: string[] = deployment.spec.template.spec.containers[0].args
  const text = replaced(written.join('\n'), {
    'https://wiki.example.com': url,
    'auth.example.com': new URL(issuer).host,
    'http://wiki:8080': `http://127.0.0.1:${upstreamPort}`,
    '0.0.0.0:4180': `127.0.0.1:${port}`,
    '--cookie-refresh=10m': '--cookie-refresh=1s',
  })
  return [...text.split('\n'), `--provider-ca-file=${caFile}`, '--pass-access-token=true']
}

async function startProxy(site: Site): Promise<ServerProcess> {
  const env = {
    OAUTH2_PROXY_OIDC_ISSUER_URL: site.issuer,
    OAUTH2_PROXY_CLIENT_ID: site.clientId,
    OAUTH2_PROXY_CLIENT_SECRET: site.clientSecret,
    OAUTH2_PROXY_COOKIE_SECRET: randomBytes(32).toString('base64url'),
  }
  const isReady = async () => {
    const answer = await fetch(`http://127.0.0.1:${site.port}/ready`).catch(() => undefined)
    return answer?.ok === true
  }
  return startProcess({ path: await neighbour('oauth2-proxy'), env }, proxyArguments(site), isReady)
}

/** The link of the page, with the hosts of the test. */
function logoutLink(): URL {
  const href = /href="([^"]+)"/.exec(guideBlock('oauth2-proxy.md', 'html'))?.[1] ?? ''
  const link = new URL(href, wiki.url)
  const logout = new URL(link.searchParams.get('rd') ?? '')
  expect(`${logout.origin}${logout.pathname}`).toBe('https://auth.example.com/oauth/logout')
  logout.host = new URL(provider.issuer).host
  expect(logout.searchParams.get('post_logout_redirect_uri')).toBe('https://wiki.example.com/')
  logout.searchParams.set('post_logout_redirect_uri', `${wiki.url}/`)
  // The proxy looks for the braces after it has decoded the link once.
  link.searchParams.set('rd', String(logout).replace('%7Bid_token%7D', '{id_token}'))
  return link
}

async function logInAtWiki(browser: PageBrowser, email: string): Promise<Page> {
  const page = await browser.open(`${wiki.url}/pages/1?edit=a%26b`)
  expect(page.url.origin, page.text).toBe(provider.issuer)
  return browser.submit(page, '/login', { email, password })
}

function headersOf({ status, text }: Page): Record<string, string> {
  expect(status, text).toBe(200)
  return JSON.parse(text)
}

const isLoginPage = ({ url, text }: Page) => url.origin === provider.issuer && text.includes('name="password"')

test('a user logs in, the application sees who it is, and the tokens are refreshed', async () => {
  const email = await provider.register()
  const browser = provider.browser()
  const page = await logInAtWiki(browser, email)
  expect(String(page.url)).toBe(`${wiki.url}/pages/1?edit=a%26b`)
  const first = headersOf(page)
  const token = decodeJwt(first['x-forwarded-access-token'] ?? '')
  expect(first).toMatchObject({ 'x-forwarded-email': email, 'x-forwarded-user': token.sub })

  const tokenNow = async () => headersOf(await browser.open(wiki.url))['x-forwarded-access-token'] ?? ''
  await expect.poll(tokenNow).not.toBe(first['x-forwarded-access-token'])
  expect(decodeJwt(await tokenNow())).toMatchObject({ sub: token.sub, sid: token['sid'] })
})

test('the link of the page logs out at the proxy and at the server', async () => {
  const browser = provider.browser()
  const first = headersOf(await logInAtWiki(browser, await provider.register()))
  const question = await browser.open(logoutLink())
  expect(question.url.origin, question.text).toBe(provider.issuer)
  expect(isLoginPage(await browser.submit(question, '/oauth/logout/confirm', { logout: 'yes' }))).toBe(true)
  const authorization = `Bearer ${first['x-forwarded-access-token']}`
  const { status } = await provider.server.get('/v1/auth/verify?scope=openid', { authorization })
  expect(status).toBe(401)
  expect(isLoginPage(await browser.open(wiki.url))).toBe(true)
})

test('a logout everywhere ends the access of a browser at the next refresh', async () => {
  const email = await provider.register()
  const browser = provider.browser()
  headersOf(await logInAtWiki(browser, email))
  const login = await provider.server.post('/v1/auth/login', { email, password })
  const authorization = `Bearer ${login.body['access_token']}`
  expect((await provider.server.post('/v1/auth/logout-all', {}, { authorization })).status).toBe(204)
  await expect.poll(async () => isLoginPage(await browser.open(wiki.url))).toBe(true)
})

test('a user who has not confirmed the email is refused', async () => {
  const email = await provider.register({ confirmsEmail: false })
  const { status, url } = await logInAtWiki(provider.browser(), email)
  expect({ status, path: url.pathname }).toEqual({ status: 403, path: '/oauth2/callback' })
  expect(proxy.output()).toContain(`email in id_token (${email}) isn't verified`)
})
