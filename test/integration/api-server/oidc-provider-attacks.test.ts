import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, freshDatabase, password, startApp } from './app-for-test.ts'
import {
  Application,
  Browser,
  type Flow,
  fetchOf,
  issuer,
  logInByPage,
  news,
  oidcFiles,
  type Page,
  redirectUri,
  secret,
  shop,
} from './oidc-client.ts'

const evil = 'https://evil.example'
/** Does not know PKCE. */
const old: OidcClient = { ...shop, id: 'old', name: 'Old', requirePkce: false }
/** Knows the secret of `shop`, because the tests have one secret, and has redirect URIs of its own. */
const rival: OidcClient = { ...shop, id: 'rival', name: 'Rival', redirectUris: ['https://rival.example.com/callback'] }
const cli: OidcClient = {
  ...news,
  id: 'cli',
  name: 'CLI',
  type: 'native',
  redirectUris: ['http://127.0.0.1/callback', 'com.example.cli:/callback'],
}
const reader: OidcClient = { ...shop, id: 'reader', name: 'Reader', scopes: ['openid', 'email'] }

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let email: string
/** The honest application, and what one login of the victim gave it. */
let application: Application
let victim: Browser
let given: { code: string; accessToken: string; refreshToken: string; idToken: string }

beforeAll(async () => {
  const files = await oidcFiles([shop, news, old, rival, cli, reader])
  const environment = { ...files.environment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  other = await startApp(environment)
  email = `${randomBytes(6).toString('hex')}@example.com`
  await server.post('/v1/auth/register', { email, password, name: 'Victim' })
  application = await Application.of(shop, server, other)
  victim = new Browser(server, other)
  const flow = await application.start()
  const callback = await logInByPage(victim, flow, email)
  const tokens = await application.redeem(flow, callback)
  given = {
    code: callback.searchParams.get('code') ?? '',
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? '',
    idToken: tokens.id_token ?? '',
  }
})
afterAll(() => Promise.all([server.close(), other.close()]))

/** What an attack has gained; undefined: nothing. */
type Gain = string | undefined

const basic = (id: string, word: string) => ({ authorization: `Basic ${btoa(`${id}:${word}`)}` })
const ofShop = basic('shop', secret)

/** A request to the token endpoint. @param body pairs, so that a parameter can be there twice */
async function token(
  body: [string, string][],
  headers: Record<string, string> = ofShop,
  url = `${issuer}/oauth/token`,
): Promise<Gain> {
  const answer = await fetchOf(other)(url, { method: 'POST', body: new URLSearchParams(body), headers })
  return gainOf(answer)
}

async function gainOf(answer: Response): Promise<Gain> {
  const text = await answer.text()
  if (answer.status < 400 || answer.status > 499) return `status ${answer.status}: ${text}`
  return /access_token|id_token/.test(text) ? text : undefined
}

/** A new code of the victim for the honest application. */
async function newCode(parameters: Record<string, string> = {}, by = application) {
  const flow = await by.start(parameters)
  const page = await victim.open(flow.url)
  const code = page.url.searchParams.get('code')
  if (code === null) throw new Error(`the victim got no code at ${page.url}`)
  return { code, flow }
}

function codeGrant(
  code: string,
  { verifier }: Flow,
  changes: Record<string, string | undefined> = {},
): [string, string][] {
  const all = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier, ...changes }
  return Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
}

/** A request of the logged-in victim's browser that an attacker has made. @returns a code that left the issuer */
async function authorize(parameters: Record<string, string> | [string, string][], browser = victim): Promise<Gain> {
  const flow = await application.start()
  const given = Array.isArray(parameters) ? parameters : Object.entries(parameters)
  const query = new URLSearchParams(flow.url.searchParams)
  for (const [name] of given) query.delete(name)
  for (const [name, value] of given) query.append(name, value)
  return codeIn(await browser.open(`/oauth/authorize?${query}`))
}

/** A code or a token, or an answer that sends the browser to the attacker. */
function codeIn({ url, text, status }: Page): Gain {
  if (status >= 500) return `status ${status}`
  if (url.host.includes('evil') || text.includes('evil.example')) return `the browser is at ${url}`
  const parameters = new URLSearchParams(`${url.search.slice(1)}&${url.hash.slice(1)}`)
  return ['code', 'access_token', 'id_token', 'response'].some((name) => parameters.has(name)) ? url.href : undefined
}

async function bearerAt(path: string, value: string): Promise<Gain> {
  const { status, body } = await other.get(path, { authorization: `Bearer ${value}` })
  return status >= 200 && status < 300 ? JSON.stringify(body) : undefined
}

/** Whether another site can show the page in a frame. */
async function framed(url: string, browser = new Browser(server)): Promise<Gain> {
  const { headers, status } = await browser.open(url)
  const policy = headers.get('content-security-policy') ?? ''
  return policy.includes("frame-ancestors 'none'") ? undefined : `status ${status}, policy ${policy}`
}

/** Whether a text of a request becomes a part of the page. */
async function injected(parameters: Record<string, string>): Promise<Gain> {
  const { url } = await application.start(parameters)
  const { text, headers } = await new Browser(server).open(url)
  if (/<script>alert|<img src=x/.test(text)) return text
  return /script-src[^;]*unsafe-inline/.test(headers.get('content-security-policy') ?? '')
    ? 'inline scripts'
    : undefined
}

const markup = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

const thief = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The ID token of the victim with other claims and another signature. */
async function forgedIdToken(
  header: object,
  key: Parameters<SignJWT['sign']>[0],
  claims: object = {},
): Promise<string> {
  const { kid } = decodeProtectedHeader(given.idToken)
  return new SignJWT({ ...decodeJwt(given.idToken), ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: kid ?? '', ...header })
    .sign(key)
}

async function publicPem(): Promise<Uint8Array> {
  const { body } = await server.get('/.well-known/jwks.json')
  const [jwk] = body['keys'] as JWK[]
  const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  return new TextEncoder().encode(String(pem))
}

function unsigned(jwt: string, header: object): string {
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${jwt.split('.')[1]}.`
}

/** A logout that names a hint and a target: whether it leads to the target, or is accepted without a question. */
async function logout(parameters: Record<string, string>, browser = new Browser(server)): Promise<Gain> {
  const page = await browser.open(`/oauth/logout?${new URLSearchParams(parameters)}`)
  const gain = codeIn(page)
  if (gain !== undefined || page.status === 400) return gain
  return codeIn(await browser.submit(page, '/confirm', { logout: 'yes' }))
}

/** A pushed request of the honest application. */
async function pushed(parameters: Record<string, string> = {}, headers: Record<string, string> = ofShop) {
  const { url } = await application.start(parameters)
  const answer = await fetchOf(server)(`${issuer}/oauth/par`, { method: 'POST', body: url.searchParams, headers })
  return { status: answer.status, body: (await answer.json()) as { request_uri?: string } }
}

/** A request by a reference. @param more what stands beside it in the URL */
async function byReference(
  uri: string | undefined,
  clientId: string,
  more: Record<string, string> = {},
): Promise<Gain> {
  const query = new URLSearchParams({ client_id: clientId, request_uri: uri ?? '', ...more })
  return codeIn(await victim.open(`/oauth/authorize?${query}`))
}

/** A fault of a cookie, with which another site, a script or a network could use it. */
async function cookieFault(path: string): Promise<Gain> {
  const { url } = await application.start()
  const page = await server.app.inject({ url: path === 'authorize' ? url.pathname + url.search : path })
  const lines = [page.headers['set-cookie']].flat().filter((line) => line !== undefined)
  if (lines.length === 0) return 'no cookie was set, so that nothing was shown'
  return lines.find(
    (line) => !/; *httponly/i.test(line) || !/; *secure/i.test(line) || !/; *samesite=(lax|strict)/i.test(line),
  )
}

async function allowedOrigin(method: 'OPTIONS' | 'POST', url: string): Promise<Gain> {
  const headers = {
    origin: evil,
    'access-control-request-method': 'POST',
    'content-type': 'application/x-www-form-urlencoded',
  }
  const answer = await server.app.inject({ method, url, headers, payload: '' })
  const allowed = answer.headers['access-control-allow-origin']
  return allowed === undefined ? undefined : `allowed ${allowed}`
}

const attacks: [section: string, what: string, run: () => Promise<Gain>][] = [
  // Mix-up, RFC 9207: whatever an answer says, it says who gives it.
  ['mix-up', 'a code without its issuer', () => withoutIssuer({})],
  ['mix-up', 'an error without its issuer', () => withoutIssuer({ prompt: 'none', max_age: '0' })],
  ['mix-up', 'a refused request without its issuer', () => withoutIssuer({ response_type: 'token' })],

  // Codes, RFC 9700 section 4.5 and 4.8.
  [
    'code',
    'with the challenge as its verifier',
    async () => {
      const { code, flow } = await newCode()
      return token(codeGrant(code, flow, { code_verifier: challengeOf(flow) }))
    },
  ],
  [
    'code',
    'of a client without PKCE that was asked for with a challenge, without the verifier',
    async () => {
      const by = await Application.of(old, server)
      const { code, flow } = await newCode({}, by)
      return token(codeGrant(code, flow, { code_verifier: undefined }), basic('old', secret))
    },
  ],
  [
    'code',
    'that was asked for without a challenge, with a verifier',
    async () => {
      const code = await codeWithoutChallenge()
      return token(codeGrant(code, await application.start()), basic('old', secret))
    },
  ],
  [
    'code',
    'with an empty verifier',
    async () => {
      const { code, flow } = await newCode()
      return token(codeGrant(code, flow, { code_verifier: '' }))
    },
  ],
  [
    'code',
    'beside another one',
    async () => {
      const { code, flow } = await newCode()
      return token([...codeGrant(code, flow), ['code', given.code]])
    },
  ],
  [
    'code',
    'for another client that knows its redirect URI',
    async () => {
      const { code, flow } = await newCode()
      return token(codeGrant(code, flow), basic('rival', secret))
    },
  ],
  [
    'code',
    'for a public client that names the owner of the code',
    async () => {
      const { code, flow } = await newCode()
      return token([...codeGrant(code, flow), ['client_id', 'news']], {})
    },
  ],
  [
    'code',
    'with two clients in one request',
    async () => {
      const { code, flow } = await newCode()
      return token([...codeGrant(code, flow), ['client_id', 'rival'], ['client_secret', secret]])
    },
  ],
  [
    'code',
    'with a redirect URI of another spelling',
    async () => {
      const { code, flow } = await newCode()
      return token(codeGrant(code, flow, { redirect_uri: `${redirectUri}/` }))
    },
  ],
  [
    'code',
    'with credentials in the URL',
    async () => {
      const { code, flow } = await newCode()
      return token(codeGrant(code, flow), {}, `${issuer}/oauth/token?client_id=shop&client_secret=${secret}`)
    },
  ],

  // Substitution of one kind of token for another.
  [
    'substitution',
    'a code as a refresh token',
    async () =>
      token([
        ['grant_type', 'refresh_token'],
        ['refresh_token', (await newCode()).code],
      ]),
  ],
  [
    'substitution',
    'a refresh token as a code',
    async () => token(codeGrant(given.refreshToken, await application.start())),
  ],
  [
    'substitution',
    'an access token as a code',
    async () => token(codeGrant(given.accessToken, await application.start())),
  ],
  [
    'substitution',
    'an access token as a refresh token',
    () =>
      token([
        ['grant_type', 'refresh_token'],
        ['refresh_token', given.accessToken],
      ]),
  ],
  [
    'substitution',
    'an ID token as a refresh token',
    () =>
      token([
        ['grant_type', 'refresh_token'],
        ['refresh_token', given.idToken],
      ]),
  ],
  [
    'substitution',
    'a reference to a pushed request as a code',
    async () => token(codeGrant((await pushed()).body.request_uri ?? '', await application.start())),
  ],
  [
    'substitution',
    'a code as a device code',
    async () =>
      token([
        ['grant_type', 'urn:ietf:params:oauth:grant-type:device_code'],
        ['device_code', (await newCode()).code],
      ]),
  ],
  ['substitution', 'a code at userinfo', async () => bearerAt('/oauth/userinfo', (await newCode()).code)],
  ['substitution', 'an ID token at userinfo', () => bearerAt('/oauth/userinfo', given.idToken)],
  ['substitution', 'a refresh token at userinfo', () => bearerAt('/oauth/userinfo', given.refreshToken)],
  ['substitution', 'a refresh token at verify', () => bearerAt('/v1/auth/verify?scope=openid', given.refreshToken)],
  [
    'substitution',
    'a refresh token of another client',
    () =>
      token(
        [
          ['grant_type', 'refresh_token'],
          ['refresh_token', given.refreshToken],
        ],
        basic('rival', secret),
      ),
  ],
  [
    'substitution',
    'a refresh token of a confidential client by a public one',
    () =>
      token(
        [
          ['grant_type', 'refresh_token'],
          ['refresh_token', given.refreshToken],
          ['client_id', 'news'],
        ],
        {},
      ),
  ],
  [
    'substitution',
    'a refresh token of a confidential client without its secret',
    () =>
      token(
        [
          ['grant_type', 'refresh_token'],
          ['refresh_token', given.refreshToken],
          ['client_id', 'shop'],
        ],
        {},
      ),
  ],
  [
    'substitution',
    'a refresh token for more scopes',
    () =>
      token([
        ['grant_type', 'refresh_token'],
        ['refresh_token', given.refreshToken],
        ['scope', 'openid offline_access'],
      ]),
  ],
  [
    'substitution',
    'an access token in the URL of userinfo',
    async () => {
      const { status } = await other.get(`/oauth/userinfo?access_token=${given.accessToken}`)
      return status === 200 ? 'claims' : undefined
    },
  ],

  // Redirects, RFC 9700 section 4.1 and 4.11.
  ['redirect', 'to another port', () => authorize({ redirect_uri: 'https://shop.example.com:444/callback' })],
  ['redirect', 'without TLS', () => authorize({ redirect_uri: 'http://shop.example.com/callback' })],
  [
    'redirect',
    'to a host that begins with the right one',
    () => authorize({ redirect_uri: 'https://shop.example.com.evil.example/callback' }),
  ],
  [
    'redirect',
    'to a host after an encoded slash',
    () => authorize({ redirect_uri: 'https://shop.example.com%2f@evil.example/callback' }),
  ],
  [
    'redirect',
    'with a backslash',
    () => authorize({ redirect_uri: 'https://evil.example\\@shop.example.com/callback' }),
  ],
  [
    'redirect',
    'with dots that are encoded',
    () => authorize({ redirect_uri: 'https://shop.example.com/callback/%2e%2e/other' }),
  ],
  ['redirect', 'with a fragment', () => authorize({ redirect_uri: `${redirectUri}#evil` })],
  ['redirect', 'with a space', () => authorize({ redirect_uri: `${redirectUri} ` })],
  ['redirect', 'with a line break', () => authorize({ redirect_uri: `${redirectUri}\r\nlocation: ${evil}` })],
  [
    'redirect',
    'to a full stop that looks like one',
    () => authorize({ redirect_uri: 'https://shop。example.com/callback' }),
  ],
  ['redirect', 'to a script', () => authorize({ redirect_uri: 'javascript:alert(1)//shop.example.com/callback' })],
  ['redirect', 'to data', () => authorize({ redirect_uri: 'data:text/html,https://shop.example.com/callback' })],
  [
    'redirect',
    'to two places',
    () =>
      authorize([
        ['redirect_uri', redirectUri],
        ['redirect_uri', evil],
      ]),
  ],
  ['redirect', 'to the only URI, which is not named', () => authorize([['redirect_uri', '']])],
  [
    'redirect',
    'of a native client to another host',
    () => authorize({ client_id: 'cli', redirect_uri: 'http://127.0.0.1.evil.example:8080/callback' }),
  ],
  [
    'redirect',
    'of a native client to another path',
    () => authorize({ client_id: 'cli', redirect_uri: 'http://127.0.0.1:8080/other' }),
  ],
  [
    'redirect',
    'of a native client to the name of the loopback address',
    () => authorize({ client_id: 'cli', redirect_uri: 'http://localhost:8080/callback' }),
  ],
  [
    'redirect',
    'of a native client without consent',
    () => authorize({ client_id: 'cli', redirect_uri: 'http://127.0.0.1:8080/callback', prompt: 'none' }),
  ],
  [
    'redirect',
    'in the fragment, by another response mode',
    () => authorize({ response_mode: 'fragment', response_type: 'code token' }),
  ],
  ['redirect', 'as a signed answer, by another response mode', () => authorize({ response_mode: 'jwt' })],
  ['redirect', 'by a message between windows', () => authorize({ response_mode: 'web_message' })],

  // Parameters that are there twice, or that contradict each other.
  [
    'pollution',
    'two clients',
    () =>
      authorize([
        ['client_id', 'shop'],
        ['client_id', 'rival'],
      ]),
  ],
  [
    'pollution',
    'two response types',
    () =>
      authorize([
        ['response_type', 'code'],
        ['response_type', 'token'],
      ]),
  ],
  [
    'pollution',
    'two challenges',
    () =>
      authorize([
        ['code_challenge', 'A'.repeat(43)],
        ['code_challenge', 'B'.repeat(43)],
      ]),
  ],
  [
    'pollution',
    'two scopes',
    () =>
      authorize([
        ['scope', 'openid'],
        ['scope', 'openid email'],
      ]),
  ],
  [
    'pollution',
    'a grant that is a list',
    () =>
      token([
        ['grant_type', 'authorization_code'],
        ['grant_type', 'refresh_token'],
        ['refresh_token', given.refreshToken],
      ]),
  ],

  // Pushed requests, RFC 9126 section 7.
  ['pushed request', 'of another client', async () => byReference((await pushed()).body.request_uri, 'rival')],
  [
    'pushed request',
    'with another redirect URI beside it',
    async () => byReference(await usedUp(), 'shop', { redirect_uri: evil }),
  ],
  [
    'pushed request',
    'that no client has pushed',
    () => byReference('urn:ietf:params:oauth:request_uri:AAAAAAAAAAAAAAAAAAAAA', 'shop'),
  ],
  ['pushed request', 'that was used before', async () => byReference(await usedUp(), 'shop')],
  ['pushed request', 'with a wrong secret', async () => stored(await pushed({}, basic('shop', 'wrong')))],
  [
    'pushed request',
    'for another client than the one that authenticates',
    async () => stored(await pushed({ client_id: 'rival' })),
  ],
  [
    'pushed request',
    'that refers to another one',
    async () => stored(await pushed({ request_uri: (await pushed()).body.request_uri ?? '' })),
  ],
  [
    'pushed request',
    'with a redirect URI that is not registered',
    async () => stored(await pushed({ redirect_uri: evil })),
  ],
  [
    'pushed request',
    'with a request object',
    async () => stored(await pushed({ request: unsigned(given.idToken, { alg: 'none' }) })),
  ],

  // Hints and logout.
  [
    'logout',
    'to a URI that is not registered',
    () => logout({ id_token_hint: given.idToken, post_logout_redirect_uri: evil }),
  ],
  ['logout', 'to a URI of another client', () => logout({ client_id: 'rival', post_logout_redirect_uri: evil })],
  ['logout', 'by an access token as hint', () => logoutTo(given.accessToken)],
  ['logout', 'by a hint without a signature', () => logoutTo(unsigned(given.idToken, { alg: 'none' }))],
  ['logout', 'by a hint of another key', async () => logoutTo(await forgedIdToken({}, thief.privateKey))],
  [
    'logout',
    'by a hint with the key in its header',
    async () => logoutTo(await forgedIdToken({ jwk: thief.publicKey.export({ format: 'jwk' }) }, thief.privateKey)),
  ],
  [
    'logout',
    'by a hint that is signed with the public key as a secret',
    async () => logoutTo(await forgedIdToken({ alg: 'HS256' }, await publicPem())),
  ],
  [
    'logout',
    'by a hint for another issuer',
    async () => logoutTo(await forgedIdToken({}, thief.privateKey, { iss: evil })),
  ],
  [
    'hint',
    'of another user, without a page',
    async () =>
      authorize({
        prompt: 'none',
        id_token_hint: await forgedIdToken({}, thief.privateKey, { sub: '65f0c0ffee65f0c0ffee65f0' }),
      }),
  ],

  // The browser: frames, other sites, cookies, HTML.
  ['frame', 'around the login', async () => framed((await application.start()).url.href)],
  ['frame', 'around the logout', () => framed('/oauth/logout')],
  ['frame', 'around the page of devices', () => framed('/oauth/device')],
  ['frame', 'around an error', () => framed('/oauth/authorize?client_id=nobody')],
  [
    'frame',
    'around the consent',
    async () => framed((await (await Application.of(news, server)).start({ prompt: 'consent' })).url.href, victim),
  ],
  ['cookie', 'of a login that a script or another site can use', () => cookieFault('authorize')],
  ['cookie', 'of a logout that a script or another site can use', () => cookieFault('/oauth/logout')],
  [
    'cookie',
    'of a logged-out browser',
    async () => {
      const { browser, copy } = await copiedLogin()
      await logoutAndConfirm(browser)
      return authorize({ prompt: 'none' }, copy)
    },
  ],
  [
    'cookie',
    'of a page of another browser',
    async () => {
      const page = await new Browser(server).open((await application.start()).url)
      return codeIn(await victim.open(page.url))
    },
  ],
  ['cookie', 'that another subdomain could have planted', async () => plantedCookie()],
  ['other site', 'reads the answer of the token endpoint', () => allowedOrigin('POST', '/oauth/token')],
  ['other site', 'may call the token endpoint', () => allowedOrigin('OPTIONS', '/oauth/token')],
  ['other site', 'may call userinfo', () => allowedOrigin('OPTIONS', '/oauth/userinfo')],
  [
    'other site',
    'gets a code for a client that the user has not agreed to',
    async () => codeIn(await victim.open((await (await Application.of(news, server)).start({ prompt: 'none' })).url)),
  ],
  ['HTML', 'by login_hint', () => injected({ login_hint: markup })],
  ['HTML', 'by state', () => injected({ state: markup, response_mode: 'form_post', prompt: 'none' })],
  ['HTML', 'by ui_locales', () => injected({ ui_locales: markup })],
  ['HTML', 'by a client that does not exist', () => injected({ client_id: markup })],
  ['HTML', 'by a redirect URI', () => injected({ redirect_uri: `${evil}/${markup}` })],
  ['HTML', 'by a scope', () => injected({ scope: `openid ${markup.replaceAll(' ', '')}` })],

  // Methods and types.
  [
    'method',
    'GET at the token endpoint',
    async () =>
      gainOf(
        await fetchOf(server)(
          `${issuer}/oauth/token?${new URLSearchParams(codeGrant((await newCode()).code, await application.start()))}`,
          { headers: ofShop },
        ),
      ),
  ],
  [
    'method',
    'JSON at the token endpoint',
    async () => {
      const { code, flow } = await newCode()
      return gainOf(
        await fetchOf(server)(`${issuer}/oauth/token`, {
          method: 'POST',
          headers: { ...ofShop, 'content-type': 'application/json' },
          body: JSON.stringify(Object.fromEntries(codeGrant(code, flow))),
        }),
      )
    },
  ],
  [
    'scope',
    'of the user that the client may not have',
    () => authorize({ client_id: 'reader', scope: 'openid profile' }),
  ],
  ['claims', 'that no scope gives', async () => claimsBeyond()],
]

/** @returns the answer, if it goes to the client and lacks `iss`, or has another one */
async function withoutIssuer(parameters: Record<string, string>): Promise<Gain> {
  const { url } = await victim.open((await application.start(parameters)).url)
  if (url.origin === issuer) return `the browser is still at ${url}`
  const answer = new URLSearchParams(`${url.search.slice(1)}&${url.hash.slice(1)}`)
  return answer.get('iss') === issuer ? undefined : url.href
}

function challengeOf({ verifier }: Flow): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

async function codeWithoutChallenge(): Promise<string> {
  const { url } = await (await Application.of(old, server)).start()
  for (const name of ['code_challenge', 'code_challenge_method']) url.searchParams.delete(name)
  const code = (await victim.open(url)).url.searchParams.get('code')
  if (code === null) throw new Error('a client without PKCE got no code')
  return code
}

/** A pushed request that the victim's browser has used. */
async function usedUp(): Promise<string> {
  const { body } = await pushed()
  if ((await byReference(body.request_uri, 'shop')) === undefined) throw new Error('the pushed request gave no code')
  return body.request_uri ?? ''
}

async function stored({ status, body }: Awaited<ReturnType<typeof pushed>>): Promise<Gain> {
  return status === 201 || body.request_uri !== undefined ? `status ${status}` : undefined
}

/** Whether the browser of the victim leaves for the application by a wrong hint. */
async function logoutTo(hint: string): Promise<Gain> {
  const { url } = await victim.open(
    `/oauth/logout?${new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: 'https://shop.example.com/' })}`,
  )
  if (url.origin !== issuer) return url.href
  return (await victim.open((await application.start({ prompt: 'none' })).url)).url.searchParams.has('code')
    ? undefined
    : 'the victim is logged out'
}

/** A browser that has logged in, and one with a copy of its cookies. */
async function copiedLogin() {
  const browser = new Browser(server)
  await logInByPage(browser, await application.start(), email)
  const copy = new Browser(server)
  copy.keep(`__Host-sso=${browser.cookie('__Host-sso')}; Path=/; Secure`)
  if ((await authorize({ prompt: 'none' }, copy)) === undefined) throw new Error('the copy of the login does not work')
  return { browser, copy }
}

async function logoutAndConfirm(browser: Browser): Promise<void> {
  await browser.submit(await browser.open('/oauth/logout'), '/confirm', { logout: 'yes' })
}

/** A login goes on in a cookie that the browser had before: an attacker who planted it would be logged in. */
async function plantedCookie(): Promise<Gain> {
  const planted = randomBytes(32).toString('base64url')
  const browser = new Browser(server)
  browser.keep(`__Host-sso=${planted}; Path=/; Secure`)
  await logInByPage(browser, await application.start(), email)
  const thiefs = new Browser(server)
  thiefs.keep(`__Host-sso=${planted}; Path=/; Secure`)
  return authorize({ prompt: 'none' }, thiefs)
}

/** A client that may not have the scope `profile` asks for the name, and for claims that no client has, one by one. */
async function claimsBeyond(): Promise<Gain> {
  const names = { name: { essential: true }, role: null, roles: null, department: null, password_hash: null }
  const claims = JSON.stringify({ userinfo: names, id_token: names })
  const by = await Application.of(reader, server, other)
  const { code, flow } = await newCode({ scope: 'openid', claims }, by)
  const answer = await fetchOf(server)(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { ...ofShop, authorization: `Basic ${Buffer.from(`reader:${secret}`).toString('base64')}` },
    body: new URLSearchParams(codeGrant(code, flow)),
  })
  const tokens = (await answer.json()) as { id_token: string; access_token: string }
  const { body } = await server.get('/oauth/userinfo', { authorization: `Bearer ${tokens.access_token}` })
  const all = { ...decodeJwt(tokens.id_token), ...body }
  return Object.keys(names).some((name) => name in all) ? JSON.stringify(all) : undefined
}

test('the honest application gets a code and tokens from the same requests', async () => {
  expect(await authorize({})).toContain('code=')
  const { code, flow } = await newCode()
  expect(await token(codeGrant(code, flow))).toContain('access_token')
  expect((await pushed()).status).toBe(201)
  expect(await bearerAt('/oauth/userinfo', given.accessToken)).toContain(email)
})

test.each(attacks)('an attacker gains nothing by %s: %s', async (_section, _what, run) => {
  expect(await run()).toBeUndefined()
})
