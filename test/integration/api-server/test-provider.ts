import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { IdentityProvider } from '../../../contract/identity-provider-schema.ts'

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

/** How a provider under test departs from the specification. */
export interface ProviderFaults {
  /** Claims of ID tokens that differ: `undefined` removes one. */
  claims?: Record<string, unknown>
  /** Metadata that differs. */
  metadata?: Record<string, unknown>
  /** Signs with a key that is not published, or not at all. */
  signature?: 'foreign key' | 'none'
  /** Whether `iss` is missing in the response, or another issuer. */
  responseIssuer?: string | null
  /** The token endpoint does not answer, or answers with this status. */
  token?: 'hang' | number
  /** The metadata are at another address, to which this one redirects. */
  redirectTo?: string
  /** The metadata have this many bytes. */
  bytes?: number
}

/**
 * An OpenID provider on this machine that can be told to misbehave: metadata, keys, an authorization endpoint that asks
 * nobody, and a token endpoint that checks secret, code, redirect URI and PKCE.
 */
export class TestProvider {
  readonly clientId = 'auth-server'
  readonly clientSecret = randomBytes(32).toString('base64url')
  readonly #codes = new Map<string, { claims: Record<string, unknown>; challenge: string; redirectUri: string }>()
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response)
  })
  faults: ProviderFaults = {}
  /** Claims that userinfo has, and ID tokens have not; undefined: there is no userinfo. */
  userinfo: Record<string, unknown> | undefined
  /** Paths of the requests that it has received. */
  requests: string[] = []
  issuer = ''
  #key: PrivateKey | undefined
  #foreignKey: PrivateKey | undefined
  #jwks: object = {}

  static async start(): Promise<TestProvider> {
    const provider = new TestProvider()
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    provider.#key = privateKey
    provider.#foreignKey = (await generateKeyPair('RS256')).privateKey
    provider.#jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] }
    await new Promise<void>((resolve) => provider.#server.listen(0, '127.0.0.1', resolve))
    // The type of a TCP server's address.
    provider.issuer = `http://127.0.0.1:${(provider.#server.address() as AddressInfo).port}`
    return provider
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Its entry in the file of a server. */
  entry(id: string, more: Partial<IdentityProvider> = {}): IdentityProvider {
    const authentication = { method: 'secret', secret: this.clientSecret } as const
    return { id, name: id.toUpperCase(), issuer: this.issuer, clientId: this.clientId, authentication, ...more }
  }

  /** A user logs in. @param url where the browser was sent @returns where the provider sends it back */
  answer(url: URL, claims: Record<string, unknown>): URL {
    const parameters = Object.fromEntries(url.searchParams)
    const code = randomBytes(16).toString('base64url')
    const { redirect_uri: redirectUri = '', code_challenge: challenge = '', nonce, state = '' } = parameters
    this.#codes.set(code, { claims: { ...claims, nonce }, challenge, redirectUri })
    const callback = new URL(redirectUri)
    callback.searchParams.set('code', code)
    callback.searchParams.set('state', state)
    const { responseIssuer = this.issuer } = this.faults
    if (responseIssuer !== null) callback.searchParams.set('iss', responseIssuer)
    return callback
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.issuer)
    this.requests.push(pathname)
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (this.faults.redirectTo !== undefined) {
      return void response.writeHead(302, { location: this.faults.redirectTo }).end()
    }
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return void json(200, this.#metadata())
      case '/jwks':
        return void json(200, this.#jwks)
      case '/token': {
        const { token } = this.faults
        if (token === 'hang') return
        if (token !== undefined) return void json(token, { error: 'server_error' })
        let body = ''
        for await (const chunk of request) body += String(chunk)
        const tokens = await this.#redeem(request.headers.authorization, new URLSearchParams(body))
        return void json(tokens === undefined ? 400 : 200, tokens ?? { error: 'invalid_grant' })
      }
      case '/userinfo':
        return void json(this.userinfo === undefined ? 404 : 200, this.userinfo ?? {})
      default:
        json(404, {})
    }
  }

  #metadata(): object {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      ...(this.userinfo !== undefined && { userinfo_endpoint: `${this.issuer}/userinfo` }),
      authorization_response_iss_parameter_supported: true,
      ...(this.faults.bytes !== undefined && { filler: 'a'.repeat(this.faults.bytes) }),
      ...this.faults.metadata,
    }
  }

  async #redeem(authorization: string | undefined, form: URLSearchParams): Promise<object | undefined> {
    // The parts are encoded as in a form. RFC 6749 section 2.3.1.
    const credentials = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString()
    const [id, secret] = credentials.split(':').map(decodeURIComponent)
    const code = form.get('code') ?? ''
    const issued = this.#codes.get(code)
    this.#codes.delete(code)
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight =
      id === this.clientId &&
      secret === this.clientSecret &&
      issued !== undefined &&
      issued.challenge === challenge &&
      issued.redirectUri === form.get('redirect_uri')
    if (!isRight) return undefined
    return { access_token: 'token', token_type: 'Bearer', id_token: await this.#idToken(issued.claims) }
  }

  async #idToken(user: Record<string, unknown>): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: this.issuer, aud: this.clientId, iat: now, exp: now + 60, ...user, ...this.faults.claims }
    const { signature } = this.faults
    if (signature === 'none') {
      const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
      return `${encode({ alg: 'none' })}.${encode(claims)}.`
    }
    const key = signature === undefined ? this.#key : this.#foreignKey
    if (key === undefined) throw new Error('the provider has not started')
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key)
  }
}
