/** An object of the admin API of Keycloak, such as a realm, a user or a role. */
type KeycloakObject = Record<string, unknown>

/** An administrator of a Keycloak. @see https://www.keycloak.org/docs-api/latest/rest-api/ */
export class KeycloakAdmin {
  readonly #origin: string
  readonly #user: { name: string; password: string }

  constructor(origin: string, user: { name: string; password: string }) {
    this.#origin = origin
    this.#user = user
  }

  /** @param path below `/admin/realms` @returns the answer, which nothing checks @throws when it is not 2xx */
  async get<Answer>(path: string): Promise<Answer> {
    return JSON.parse(await this.#request('GET', path))
  }

  /** @param path below `/admin/realms`; empty: a new realm @throws when the answer is not 2xx */
  async post(path: string, body: KeycloakObject | readonly KeycloakObject[]): Promise<void> {
    await this.#request('POST', path, body)
  }

  /** @param path below `/admin/realms` @throws when the answer is not 2xx */
  async delete(path: string, body?: readonly KeycloakObject[]): Promise<void> {
    await this.#request('DELETE', path, body)
  }

  async #request(method: string, path: string, body?: unknown): Promise<string> {
    const response = await fetch(`${this.#origin}/admin/realms${path}`, {
      method,
      // A token of the administrator is valid for a minute.
      headers: { authorization: `Bearer ${await this.#token()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`Keycloak answered ${method} ${path} with ${response.status}: ${text}`)
    return text
  }

  async #token(): Promise<string> {
    const { name: username, password } = this.#user
    const response = await fetch(`${this.#origin}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username, password }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`Keycloak refused its administrator with ${response.status}: ${text}`)
    return JSON.parse(text).access_token
  }
}
