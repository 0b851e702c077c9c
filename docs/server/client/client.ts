/**
 * A typed client of the auth server: paths, bodies, answers and error codes come from its API description.
 * Types for your version of it: npm run types (openapi-typescript reads /openapi.json of a server).
 */
import createClient, { type Client, type Middleware } from 'openapi-fetch'
import type { components, paths } from './api.generated.ts'

export type { components, paths } from './api.generated.ts'

/** A user as the server describes them. */
export type User = components['schemas']['User']

type Problem = components['schemas']['Problem']

/** What the server says about an error; `code` is stable. */
export class AuthError extends Error {
  override name = 'AuthError'
  readonly code: string

  constructor({ code, detail }: Problem) {
    super(detail)
    this.code = code
  }
}

/** The user must enrol a second factor, which completes the login: send the token as an access token to startTotp. */
export class EnrolmentRequired extends Error {
  override name = 'EnrolmentRequired'
  readonly enrolmentToken: string

  constructor(enrolmentToken: string) {
    super('the user must enrol a second factor first')
    this.enrolmentToken = enrolmentToken
  }
}

/** The answer to one request, as openapi-fetch gives it: either data or an error. */
interface Answer<Data> {
  data?: Data
  error?: Problem
}

/** A user who is logged in. Keeps the tokens, and refreshes them once when the server says that the token has expired. */
export class Session {
  readonly #api: Client<paths>
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

  /**
   * @param askForCode asks the user for a code of their authenticator app; called only if they have a second factor
   * @throws AuthError `invalid_credentials`, `mfa_code_wrong`, `locked`, `rate_limited`, …
   * @throws EnrolmentRequired if the server requires a second factor, and the user has none
   */
  async logIn(email: string, password: string, askForCode?: () => Promise<string>): Promise<User> {
    const first = dataOf(await this.#api.POST('/v1/auth/login', { body: { email, password } }))
    if ('enrolment_token' in first) throw new EnrolmentRequired(first.enrolment_token)
    const login = 'mfa_token' in first ? await this.#secondStep(first.mfa_token, askForCode) : first
    this.#tokens = login
    return login.user
  }

  async #secondStep(mfa_token: string, askForCode: (() => Promise<string>) | undefined) {
    if (askForCode === undefined) throw new Error('the user has a second factor: pass askForCode')
    const body = { mfa_token, method: 'totp', code: await askForCode() } as const
    return dataOf(await this.#api.POST('/v1/auth/login/mfa', { body }))
  }

  /** @throws AuthError `session_revoked` when the session has ended: log in again */
  me(): Promise<User> {
    return this.send((api) => api.GET('/v1/me'))
  }

  async logOut(): Promise<void> {
    const { error } = await this.#api.POST('/v1/auth/logout')
    if (error !== undefined) throw new AuthError(error)
    this.#tokens = undefined
  }

  /**
   * Sends any request of the API with the token of the user. If the token has expired, refreshes it and sends the
   * request again.
   * @param request is called once or twice: `(api) => api.GET('/v1/me/sessions')`
   * @throws AuthError with the code of the server
   */
  async send<Data>(request: (api: Client<paths>) => Promise<Answer<Data>>): Promise<Data> {
    const first = await request(this.#api)
    if (first.error?.code !== 'token_expired') return dataOf(first)
    await this.#refresh()
    return dataOf(await request(this.#api))
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

function dataOf<Data>({ data, error }: Answer<Data>): Data {
  if (error !== undefined) throw new AuthError(error)
  // openapi-fetch gives either the one or the other.
  return data as Data
}
