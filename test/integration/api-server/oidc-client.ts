import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importPKCS8 } from 'jose'
import * as client from 'openid-client'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import type { OidcClient, OidcClientFile } from '../../../contract/oidc-client-schema.ts'
import { type Flow, PageBrowser, RelyingParty } from '../support/relying-party.ts'
import { type AppForTest, password } from './app-for-test.ts'

export type { Flow, Page } from '../support/relying-party.ts'

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
  /** @param content of the file of clients */
  replaceFile(content: string): Promise<void>
  replaceKeys(keys: readonly object[]): Promise<void>
}

/** A new RS256 key. @param activateAt ISO 8601 */
export function newKey(kid: string, activateAt: string, retireAt?: string): object {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = privateKey.export({ format: 'jwk' })
  return { kid, alg: 'RS256', jwk, createdAt: activateAt, activateAt, ...(retireAt !== undefined && { retireAt }) }
}

export async function oidcFiles(
  clients: readonly OidcClient[],
  serviceAccountIssuers?: OidcClientFile['serviceAccountIssuers'],
): Promise<OidcFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'oidc-'))
  const write = async (name: string, content: object | string) => {
    await writeFile(join(folder, `${name}.new`), typeof content === 'string' ? content : JSON.stringify(content))
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
    replaceFile: (content) => write('clients.json', content),
    replaceKeys: (keys) => write('keys.json', { version: 1, keys }),
  }
  await write('clients.json', { version: 1, clients, ...(serviceAccountIssuers && { serviceAccountIssuers }) })
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

/** A browser that reaches servers in this process. */
export class Browser extends PageBrowser {
  constructor(...servers: readonly AppForTest[]) {
    super(fetchOf(...servers), servers[0]?.config.issuer ?? issuer)
  }
}

/** An application of servers in this process. */
export class Application extends RelyingParty {
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

  /** An application of a client that signs assertions with the key of `withPrivateKey`. */
  static async withKey({ id }: OidcClient, ...servers: readonly AppForTest[]): Promise<Application> {
    const pem = String(bankKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const auth = client.PrivateKeyJwt({ key: await importPKCS8(pem, 'ES256'), kid: 'bank' })
    const config = await client.discovery(new URL(issuer), id, undefined, auth, {
      [client.customFetch]: fetchOf(...servers) as client.CustomFetch,
    })
    return new Application(config, redirectUri)
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

  application(...servers: readonly AppForTest[]): Promise<Application> {
    return Application.withKey(withPrivateKey.client, ...servers)
  },
}
