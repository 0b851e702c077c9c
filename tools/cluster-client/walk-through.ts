import { randomBytes } from 'node:crypto'
import type { EdgeClient, EdgeResponse } from './edge-client.ts'

/** The first user of an AuthService. */
export interface WalkThrough {
  email: string
  password: string
  accessToken: string
  /** The payload of the access token, as the server signed it. */
  claims: Record<string, unknown>
}

/**
 * Registers a user, logs in, and has the server verify the token.
 * @throws with the whole answer when it is not the expected one
 */
export async function walkThrough(edge: EdgeClient): Promise<WalkThrough> {
  const email = `demo-${randomBytes(4).toString('hex')}@example.com`
  const password = randomBytes(18).toString('base64url')

  expectStatus(201, await edge.call('POST', '/v1/auth/register', { json: { email, password, name: 'Demo User' } }))
  const login = expectStatus(200, await edge.call('POST', '/v1/auth/login', { json: { email, password } }))
  const accessToken = stringField(login, 'access_token')
  expectStatus(200, await edge.call('GET', '/v1/auth/verify', { bearer: accessToken }))

  return { email, password, accessToken, claims: claimsOf(accessToken) }
}

/** The payload of a JWT without verification. Only to show it, never to decide by it. */
function claimsOf(token: string): Record<string, unknown> {
  const payload = token.split('.')[1]
  if (payload === undefined) throw new Error(`not a JWT: ${token.slice(0, 12)}…`)
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
}

function expectStatus(status: number, response: EdgeResponse): EdgeResponse {
  if (response.status === status) return response
  throw new Error(`the server answered ${response.status} instead of ${status}: ${JSON.stringify(response.body)}`)
}

function stringField({ body }: EdgeResponse, field: string): string {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, field) : undefined
  if (typeof value === 'string') return value
  throw new Error(`the server's answer has no ${field}`)
}
