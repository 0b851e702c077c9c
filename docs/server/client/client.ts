/**
 * A typed client of the auth server: paths, bodies, answers and error codes come from its API description.
 * Types for your version of it: npm run types (openapi-typescript reads /openapi.json of a server).
 */
import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './api.generated.ts'

type User = components['schemas']['User']

/** What the server says about an error; `code` is stable. */
export class AuthError extends Error {
  override name = 'AuthError'
  readonly code: string

  constructor({ code, detail }: components['schemas']['Problem']) {
    super(detail)
    this.code = code
  }
}

/** A user who is logged in. Keeps the tokens, and refreshes them once when the server says that the token has expired. */
export class Session {
  readonly #api
  #tokens: { access_token: string; refresh_token: string } | undefined
  #refreshing: Promise<void> | undefined

  /** @param baseUrl where the server is: https://auth.example.com */
  constructor(baseUrl: string) {
    this.#api = createClient<paths>({ baseUrl })
    const bearer: Middleware = {
      onRequest: ({ request }) => {
        if (this.#tokens !== undefined) request.headers.set('authorization', `Bearer ${this.#tokens.access_token}`)
        return request
      },
    }
    this.#api.use(bearer)
  }

  /** @throws AuthError `invalid_credentials`, `locked`, `rate_limited`, … */
  async logIn(email: string, password: string): Promise<User> {
    const { data, error } = await this.#api.POST('/v1/auth/login', { body: { email, password } })
    if (error !== undefined) throw new AuthError(error)
    this.#tokens = data
    return data.user
  }

  /** @throws AuthError `session_revoked` when the session has ended: log in again */
  async me(): Promise<User> {
    const first = await this.#api.GET('/v1/me')
    if (first.error?.code !== 'token_expired') return dataOf(first)
    await this.#refresh()
    return dataOf(await this.#api.GET('/v1/me'))
  }

  async logOut(): Promise<void> {
    const { error } = await this.#api.POST('/v1/auth/logout')
    if (error !== undefined) throw new AuthError(error)
    this.#tokens = undefined
  }

  /** Calls that find the token expired at the same time share one refresh. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#exchange().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #exchange(): Promise<void> {
    const refresh_token = this.#tokens?.refresh_token ?? ''
    this.#tokens = dataOf(await this.#api.POST('/v1/auth/refresh', { body: { refresh_token } }))
  }
}

function dataOf<Data>({ data, error }: { data?: Data; error?: components['schemas']['Problem'] }): Data {
  if (error !== undefined) throw new AuthError(error)
  // openapi-fetch gives either the one or the other.
  return data as Data
}
