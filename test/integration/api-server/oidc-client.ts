import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importPKCS8 } from 'jose'
import * as client from 'openid-client'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, password } from './app-for-test.ts'

export const issuer = 'https://auth.example.com'
export const redirectUri = 'https://shop.example.com/callback'
export const secret = randomBytes(32).toString('base64url')

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** A confidential client of the owner of the server. */
export const shop: OidcClient = {
  id: 'shop',
  name: 'Shop',
  firstParty: true,
  redirectUris: [redirectUri],
  postLogoutRedirectUris: ['https://shop.example.com/'],
  grants: ['authorization_code', 'refresh_token'],
  scopes: ['openid', 'profile', 'email'],
  authentication: { method: 'secret', secretHashes: [hashOf(secret)] },
}

/** A public client of another owner. */
export const news: OidcClient = {
  ...shop,
  id: 'news',
  name: 'News <b>& more',
  firstParty: false,
  redirectUris: ['https://news.example.com/callback'],
  authentication: { method: 'none' },
}

/** The files of an OpenID provider. */
export interface OidcFiles {
  environment: ServerEnvironment
  /** The key that signs. */
  firstKey: object
  replaceClients(clients: readonly OidcClient[]): Promise<void>
  replaceKeys(keys: readonly object[]): Promise<void>
}

/** A new RS256 key. @param activateAt ISO 8601 */
export function newKey(kid: string, activateAt: string, retireAt?: string): object {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = privateKey.export({ format: 'jwk' })
  return { kid, alg: 'RS256', jwk, createdAt: activateAt, activateAt, ...(retireAt !== undefined && { retireAt }) }
}

export async function oidcFiles(clients: readonly OidcClient[]): Promise<OidcFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'oidc-'))
  const write = async (name: string, content: object) => {
    await writeFile(join(folder, `${name}.new`), JSON.stringify(content))
    await rename(join(folder, `${name}.new`), join(folder, name))
  }
  const firstKey = newKey('one', '2026-01-01T00:00:00Z')
  const files: OidcFiles = {
    firstKey,
    environment: {
      OIDC_CLIENTS_FILE: join(folder, 'clients.json'),
      OIDC_KEYS_FILE: join(folder, 'keys.json'),
      JWT_ISSUER: issuer,
    },
    replaceClients: (all) => write('clients.json', { version: 1, clients: all }),
    replaceKeys: (keys) => write('keys.json', { version: 1, keys }),
  }
  await files.replaceClients(clients)
  await files.replaceKeys([firstKey])
  return files
}

/** `fetch` that reaches servers in this process, one after another: the requests of a flow meet different servers. */
export function fetchOf(...servers: readonly AppForTest[]): typeof fetch {
  let turn = 0
  return async (input, init) => {
    const { method, url, headers, body } = new Request(input, init)
    const server = servers[turn++ % servers.length]
    if (server === undefined) throw new Error('there is no server')
    const { pathname, search } = new URL(url)
    const answer = await server.app.inject({
      method: method as 'GET' | 'POST',
      url: pathname + search,
      headers: Object.fromEntries(headers),
      ...(body !== null && { payload: Buffer.from(await new Response(body).arrayBuffer()) }),
    })
    const all = new Headers()
    for (const [name, value] of Object.entries(answer.headers)) {
      for (const each of [value].flat()) if (each !== undefined) all.append(name, String(each))
    }
    const hasBody = answer.statusCode !== 204 && answer.statusCode !== 304
    return new Response(hasBody ? new Uint8Array(answer.rawPayload) : null, { status: answer.statusCode, headers: all })
  }
}

/** What a browser shows. */
export interface Page {
  url: URL
  status: number
  text: string
  headers: Headers
}

/** A browser as far as the pages need one: cookies with their paths, redirects, and forms. */
export class Browser {
  readonly #fetch: typeof fetch
  readonly #cookies = new Map<string, { value: string; path: string }>()

  constructor(...servers: readonly AppForTest[]) {
    this.#fetch = fetchOf(...servers)
  }

  /** The value of a cookie for all paths. */
  cookie(name: string): string | undefined {
    return this.#cookies.get(`${name} /`)?.value
  }

  /** Keeps what a response at the API has set. @param line the header `set-cookie` */
  keep(line: string): void {
    this.#keep([line])
  }

  /** Follows redirects within the issuer. A redirect to a client is the page of it, without an answer. */
  async open(url: string | URL, form?: Record<string, string>): Promise<Page> {
    let next = new URL(url, issuer)
    let posted = form
    for (let redirects = 0; redirects < 10; redirects++) {
      if (next.origin !== issuer) return { url: next, status: 0, text: '', headers: new Headers() }
      const cookie = [...this.#cookies]
        .filter(([, { path }]) => next.pathname === path || next.pathname.startsWith(path === '/' ? '/' : `${path}/`))
        .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
        .join('; ')
      const answer = await this.#fetch(next, {
        method: posted === undefined ? 'GET' : 'POST',
        headers: { accept: 'text/html', 'user-agent': 'Test Browser', ...(cookie !== '' && { cookie }) },
        ...(posted !== undefined && { body: new URLSearchParams(posted) }),
        redirect: 'manual',
      })
      this.#keep(answer.headers.getSetCookie())
      const location = answer.headers.get('location')
      if (location === null)
        return { url: next, status: answer.status, text: await answer.text(), headers: answer.headers }
      next = new URL(location, next)
      posted = undefined
    }
    throw new Error(`too many redirects, the last one to ${next}`)
  }

  /** Sends the form of a page. @param action the end of its path */
  submit({ url, text }: Page, action: string, values: Record<string, string> = {}): Promise<Page> {
    const forms = [...text.matchAll(/<form[^>]* action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/g)]
    const form = forms.find(([, target]) => target?.endsWith(action))
    if (form === undefined) throw new Error(`no form ends with ${action}:\n${text}`)
    const hidden = [...(form[2] ?? '').matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)]
    const fields = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]))
    return this.open(new URL(form[1] ?? '', url), { ...fields, ...values })
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(/; */)
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/'
      if (name.startsWith('__Host-') && path !== '/') throw new Error(`a browser refuses ${line}`)
      if (name.startsWith('__') && !attributes.some((each) => /^secure$/i.test(each))) {
        throw new Error(`a browser refuses ${line}`)
      }
      const key = `${name} ${path}`
      if (value === '' || attributes.some((each) => /^expires=Thu, 01 Jan 1970/i.test(each))) this.#cookies.delete(key)
      else this.#cookies.set(key, { value, path })
    }
  }
}

export interface Flow {
  url: URL
  verifier: string
  state: string
  nonce: string
}

/** An application with `openid-client`. */
export class Application {
  readonly config: client.Configuration
  readonly #redirectUri: string

  constructor(config: client.Configuration, uri: string) {
    this.config = config
    this.#redirectUri = uri
  }

  static async of(
    { id, redirectUris = [], authentication }: OidcClient,
    ...servers: readonly AppForTest[]
  ): Promise<Application> {
    const auth = authentication.method === 'secret' ? client.ClientSecretBasic(secret) : client.None()
    const config = await client.discovery(new URL(issuer), id, undefined, auth, {
      [client.customFetch]: fetchOf(...servers) as client.CustomFetch,
    })
    return new Application(config, redirectUris[0] ?? '')
  }

  async start(parameters: Record<string, string> = {}): Promise<Flow> {
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const nonce = client.randomNonce()
    const url = client.buildAuthorizationUrl(this.config, {
      redirect_uri: this.#redirectUri,
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...parameters,
    })
    return { url, verifier, state, nonce }
  }

  /** Pushes the request (RFC 9126), so that the browser carries only a reference. */
  async startPushed(): Promise<Flow> {
    const flow = await this.start()
    const url = await client.buildAuthorizationUrlWithPAR(this.config, flow.url.searchParams)
    return { ...flow, url }
  }

  redeem({ verifier, state, nonce }: Flow, callback: URL) {
    return client.authorizationCodeGrant(this.config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
  }

  refresh(token: string) {
    return client.refreshTokenGrant(this.config, token)
  }
}

/** Logs a user in on the page and returns where the client is called back. */
export async function logInByPage(browser: Browser, { url }: Flow, email: string): Promise<URL> {
  const page = await browser.open(url)
  const next = await browser.submit(page, '/login', { email, password })
  return next.url
}

const bankKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A client that signs assertions. */
export const withPrivateKey = {
  key: bankKeys.privateKey,

  client: {
    ...shop,
    id: 'bank',
    name: 'Bank',
    authentication: {
      method: 'private_key_jwt',
      jwks: {
        keys: [{ ...(bankKeys.publicKey.export({ format: 'jwk' }) as { kty: string }), kid: 'bank', alg: 'ES256' }],
      },
    },
  } satisfies OidcClient as OidcClient,

  async application(...servers: readonly AppForTest[]): Promise<Application> {
    const key = {
      key: await importPKCS8(String(bankKeys.privateKey.export({ type: 'pkcs8', format: 'pem' })), 'ES256'),
      kid: 'bank',
    }
    const config = await client.discovery(new URL(issuer), 'bank', undefined, client.PrivateKeyJwt(key), {
      [client.customFetch]: fetchOf(...servers) as client.CustomFetch,
    })
    return new Application(config, redirectUri)
  },
}
