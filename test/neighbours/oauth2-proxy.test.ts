import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { nginxDirectory } from '../../tools/local-servers/nginx.ts'
import { freePort, type ServerProcess, startProcess } from '../../tools/local-servers/server-process.ts'
import { neighbour } from '../../tools/neighbours/programs.ts'
import { guideBlock, replaced } from '../documentation/guide.ts'
import { password } from '../integration/api-server/app-for-test.ts'
import type { Page, PageBrowser } from '../integration/support/relying-party.ts'
import { type Provider, type Site, startProvider } from './relying-parties/provider.ts'

/**
 * oauth2-proxy with the arguments of docs/guides/oauth2-proxy.md, in front of a page that shows its headers; and beside
 * Nginx with the configuration of docs/guides/nginx.md.
 */
let provider: Provider
let wiki: Site
let upstream: Server
let proxy: ServerProcess
const upstreamPort = await freePort()
const besideNginx: ServerProcess[] = []
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-nginx-guide-'))
  const callback = '/oauth2/callback'
  provider = await startProvider({ wiki: { callback }, website: { callback } })
  wiki = provider.site('wiki')
  upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  await new Promise<void>((listening) => upstream.listen(upstreamPort, '127.0.0.1', listening))
  proxy = await startProxy(wiki, proxyArguments(wiki))
  await startBesideNginx(provider.site('website'))
})
afterAll(async () => {
  await proxy?.stop()
  for (const each of besideNginx) await each.stop()
  await rm(folder, { recursive: true, force: true })
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

async function startProxy(site: Site, programArguments: readonly string[]): Promise<ServerProcess> {
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
  return startProcess({ path: await neighbour('oauth2-proxy'), env }, programArguments, isReady)
}

/** Nginx takes the place of the site, and oauth2-proxy has a port of its own. */
async function startBesideNginx(site: Site): Promise<void> {
  const port = await freePort()
  const instead = guideBlock('nginx.md', 'text').trim().split('\n')
  const others = proxyArguments({ ...site, port }).filter((each) => !/^--(upstream|pass-access-token)=/.test(each))
  besideNginx.push(await startProxy({ ...site, port }, [...others, ...instead]))

  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  // TLS ends at the Nginx of the test in front of this one.
  const server = replaced(guideBlock('nginx.md', 'nginx'), {
    'listen 443 ssl;': `listen 127.0.0.1:${site.port};`,
    'ssl_certificate /etc/nginx/tls/tls.crt;': '',
    'ssl_certificate_key /etc/nginx/tls/tls.key;': '',
    'http://wiki:8080': `http://127.0.0.1:${upstreamPort}`,
    'http://wiki-proxy:4180': `http://127.0.0.1:${port}`,
  })
  const file = join(folder, 'nginx.conf')
  await writeFile(
    file,
    `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
http { access_log off; ${temporary.join(' ')}
${server}}`,
  )
  const binary = { path: join(await nginxDirectory(), 'nginx'), env: {} }
  const isReady = () =>
    fetch(`http://127.0.0.1:${site.port}/`, { redirect: 'manual' }).then(
      ({ status }) => status === 302,
      () => false,
    )
  besideNginx.push(await startProcess(binary, ['-c', file, '-p', folder, '-e', 'stderr'], isReady))
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

test('Nginx lets users in whom oauth2-proxy knows, keeps the refreshed cookie, and asks others to log in', async () => {
  const website = provider.site('website')
  const email = await provider.register()
  const browser = provider.browser()
  const address = `${website.url}/pages/1?edit=a%26b`
  const page = await browser.submit(await browser.open(address), '/login', { email, password })
  expect(String(page.url)).toBe(address)
  const first = headersOf(page)
  expect(first).toMatchObject({ 'x-email': email, 'x-user': expect.any(String) })
  const cookieOf = (headers: Record<string, string>) => /_oauth2_proxy=([^;]+)/.exec(headers['cookie'] ?? '')?.[1]
  const cookieNow = async () => cookieOf(headersOf(await browser.open(address)))
  const cookies = new Set([cookieOf(first)])
  // Each new cookie has the refresh token of the one before.
  await expect.poll(async () => cookies.add(await cookieNow()).size).toBeGreaterThan(2)

  const forged = await fetch(`http://127.0.0.1:${website.port}/`, { headers: { 'x-email': email }, redirect: 'manual' })
  expect(forged.status).toBe(302)
  expect(new URL(forged.headers.get('location') ?? '').origin).toBe(provider.issuer)
})
