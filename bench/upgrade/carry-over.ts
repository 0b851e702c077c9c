import { randomBytes } from 'node:crypto'
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { type IssuedTokens, issuedTokens } from '../issued-tokens.ts'

/** An account with tokens that one release has issued, and that another release must accept or refuse. */
interface IssuedAccount {
  /** The release that issued it. */
  release: string
  email: string
  password: string
  accessToken: string
  refreshToken: string
  /** An access token whose session has ended. */
  revokedToken: string
}

/**
 * Accounts, sessions, refresh tokens and revocations of one AuthService, by the release that created them. No request
 * uses them between two checks, so a release finds them exactly as the other one left them.
 */
export class CarryOver {
  readonly #name: string
  readonly #edge: EdgeClient
  readonly #accounts: IssuedAccount[] = []
  requests = 0
  readonly failures: string[] = []

  constructor(name: string, edge: EdgeClient) {
    this.#name = name
    this.#edge = edge
  }

  /** Registers a user, logs in twice and ends one of the sessions. */
  async create(release: string): Promise<void> {
    const credentials = {
      email: `kept-${randomBytes(6).toString('hex')}@example.com`,
      password: randomBytes(18).toString('base64url'),
    }
    await this.#expect(201, `${release} registers`, '/v1/auth/register', { json: { ...credentials, name: 'Kept' } })
    const kept = tokensOf(await this.#expect(200, `${release} logs in`, '/v1/auth/login', { json: credentials }))
    const ended = tokensOf(await this.#expect(200, `${release} logs in`, '/v1/auth/login', { json: credentials }))
    await this.#expect(204, `${release} logs out`, '/v1/auth/logout', { json: {}, bearer: ended.accessToken })
    this.#accounts.push({ release, ...credentials, ...kept, revokedToken: ended.accessToken })
  }

  /** Uses everything that was created so far. @param release the release that serves now */
  async check(release: string): Promise<void> {
    for (const kept of this.#accounts) {
      const what = (action: string) => `${release} ${action} of ${kept.release}`
      await this.#expect(200, what('accepts an access token'), '/v1/auth/verify', { bearer: kept.accessToken })
      await this.#expect(401, what('refuses a revoked token'), '/v1/auth/verify', { bearer: kept.revokedToken })
      const { email, password, refreshToken } = kept
      const login = { json: { email, password } }
      await this.#expect(200, what('logs in a user'), '/v1/auth/login', login)
      const refresh = { json: { refresh_token: refreshToken } }
      const answer = await this.#expect(200, what('accepts a refresh token'), '/v1/auth/refresh', refresh)
      kept.refreshToken = issuedTokens(answer)?.refreshToken ?? kept.refreshToken
    }
  }

  async close(): Promise<void> {
    await this.#edge.close()
  }

  async #expect(
    status: number,
    what: string,
    path: string,
    options: { json?: object; bearer?: string },
  ): Promise<unknown> {
    this.requests++
    const answer = await this.#edge
      .call(options.json === undefined ? 'GET' : 'POST', path, options)
      .catch((error: unknown) => ({ status: 0, body: String(error) }))
    if (answer.status !== status) {
      const got = `${answer.status} instead of ${status}: ${JSON.stringify(answer.body).slice(0, 200)}`
      this.failures.push(`${this.#name}: ${what}: ${path} answered ${got}`)
    }
    return answer.body
  }
}

/** Empty tokens when the response has none: `#expect` has recorded the failure, and later checks of them fail, too. */
function tokensOf(body: unknown): IssuedTokens {
  return issuedTokens(body) ?? { accessToken: '', refreshToken: '' }
}
