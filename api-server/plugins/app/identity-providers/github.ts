import type { Claims } from './external-identity.ts'
import { ProviderError } from './provider-error.ts'
import type { Provider } from './provider-registry.ts'

/**
 * Who has logged in at GitHub, which has no OpenID Connect: `GET /user` and `GET /user/emails` of its REST API, version
 * 2022-11-28. The email is the primary one. GitHub Enterprise Server has the API below `/api/v3`.
 *
 * @param get sends a request with the access token of the user
 * @throws ProviderError for an answer that is not as documented
 */
export async function readGitHubUser(get: (url: URL) => Promise<Response>, { issuer }: Provider): Promise<Claims> {
  const base = issuer === 'https://github.com' ? 'https://api.github.com' : `${issuer.replace(/\/$/, '')}/api/v3`
  const user = await readJson(get, new URL(`${base}/user`))
  const id: unknown = Reflect.get(Object(user), 'id')
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) throw new ProviderError('invalid', 'GitHub has sent no user')
  const emails = await readJson(get, new URL(`${base}/user/emails`))
  const primary = Array.isArray(emails)
    ? emails.find((each) => Reflect.get(Object(each), 'primary') === true)
    : undefined
  return {
    ...Object(user),
    // The number, because a login can be renamed, and then belong to another person.
    sub: String(id),
    name: Reflect.get(Object(user), 'name') ?? Reflect.get(Object(user), 'login'),
    email: Reflect.get(Object(primary), 'email'),
    email_verified: Reflect.get(Object(primary), 'verified') === true,
  }
}

async function readJson(get: (url: URL) => Promise<Response>, url: URL): Promise<unknown> {
  const answer = await get(url)
  if (answer.status === 200) return answer.json()
  const failure = answer.status >= 500 || answer.status === 429 ? 'unavailable' : 'invalid'
  throw new ProviderError(failure, `GitHub has answered ${url.pathname} with the status ${answer.status}`)
}
