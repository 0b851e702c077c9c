import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { type Dispatcher, request } from 'undici'
import { PageBrowser } from '../../tools/load/page-browser.ts'
import { issuedTokens } from '../issued-tokens.ts'
import { password } from './logins.ts'
import {
  accessTokenSeconds,
  clientSecret,
  job,
  type OidcProvider,
  redirectUri,
  scopes,
  shop,
} from './oidc-providers.ts'

/** The tokens of a login, or of a refresh after it. */
export interface UserTokens {
  accessToken: string
  refreshToken: string
  idToken: string
}

/** The requests of clients and of users at one provider. Each fails unless the answer is the expected one. */
export class OidcRequests {
  readonly #provider: OidcProvider
  readonly #dispatcher: Dispatcher

  constructor(provider: OidcProvider, dispatcher: Dispatcher) {
    this.#provider = provider
    this.#dispatcher = dispatcher
  }

  /** A client gets a token for itself. */
  async clientCredentials(): Promise<void> {
    const answer = await this.#token(job, { grant_type: 'client_credentials' })
    const token: unknown = JSON.parse(answer).access_token
    if (typeof token !== 'string') throw new Error(`${this.#provider.name} gave a client no token: ${answer}`)
  }

  async refresh({ refreshToken }: UserTokens): Promise<UserTokens> {
    return userTokens(await this.#token(shop, { grant_type: 'refresh_token', refresh_token: refreshToken }))
  }

  async userinfo({ accessToken }: UserTokens, email: string): Promise<void> {
    const { address, paths, name } = this.#provider
    const headers = { authorization: `Bearer ${accessToken}` }
    const { statusCode, body } = await request(`${address}${paths.userinfo}`, { headers, dispatcher: this.#dispatcher })
    const answer = await body.text()
    if (statusCode !== 200 || !answer.includes(`"${email}"`)) {
      throw new Error(`userinfo of ${name} was answered ${statusCode}: ${answer}`)
    }
  }

  /** A browser without cookies begins at the application, sends the password, and the application redeems the code. */
  async logIn(email: string): Promise<UserTokens> {
    const { origin, address, paths, form } = this.#provider
    const [verifier, state] = [randomBytes(32).toString('base64url'), randomBytes(16).toString('base64url')]
    const reach: typeof fetch = (input, init) => fetch(String(input).replace(origin, address), init)
    const browser = new PageBrowser(reach, origin)
    const url = new URL(paths.authorize, origin)
    url.search = String(
      new URLSearchParams({
        response_type: 'code',
        client_id: shop,
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      }),
    )
    const { url: callback } = await browser.submit(await browser.open(url), form.action, {
      [form.user]: email,
      password,
    })
    const grant = { code: codeOf(callback, state), redirect_uri: redirectUri, code_verifier: verifier }
    return userTokens(await this.#token(shop, { grant_type: 'authorization_code', ...grant }))
  }

  async #token(client: string, form: Record<string, string>): Promise<string> {
    const { address, paths, name } = this.#provider
    const { statusCode, body } = await request(`${address}${paths.token}`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client}:${clientSecret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: String(new URLSearchParams(form)),
      dispatcher: this.#dispatcher,
    })
    const answer = await body.text()
    if (statusCode !== 200) throw new Error(`${name} answered ${form['grant_type']} with ${statusCode}: ${answer}`)
    return answer
  }
}

/** The code with which a provider sends the browser back. @throws when it sends the browser elsewhere, or with an error */
export function codeOf(callback: URL, state: string): string {
  const code = callback.searchParams.get('code')
  const isExpected = callback.origin + callback.pathname === redirectUri && callback.searchParams.get('state') === state
  if (!isExpected || code === null)
    throw new Error(`the login ended at ${callback}, not at the application with a code`)
  return code
}

/** The tokens in the answer of a token endpoint. @throws when one of them is missing */
export function userTokens(answer: string): UserTokens {
  const body: unknown = JSON.parse(answer)
  const tokens = issuedTokens(body)
  const idToken: unknown = Reflect.get(Object(body), 'id_token')
  if (tokens === undefined || typeof idToken !== 'string') throw new Error(`the answer lacks a token: ${answer}`)
  return { ...tokens, idToken }
}

/** Both providers have the same conditions. @throws when the tokens have another algorithm or lifetime */
export function checkConditions({ accessToken, idToken }: UserTokens): void {
  const { iat = 0, exp = 0 } = decodeJwt(accessToken)
  const found = [decodeProtectedHeader(accessToken).alg, decodeProtectedHeader(idToken).alg, exp - iat].join(', ')
  const expected = ['ES256', 'RS256', accessTokenSeconds].join(', ')
  if (found !== expected) throw new Error(`access token, ID token, lifetime: ${found} instead of ${expected}`)
}
