import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { edgeClient, kubectl } from './cluster-under-test.ts'

const { namespace, name, host } = inject('quickstart')
let edge: EdgeClient

beforeAll(async () => {
  edge = await edgeClient(namespace, name, host)
})

afterAll(() => edge.close())

test('the quickstart is ready within a minute', () => {
  expect(inject('quickstart').readySeconds).toBeLessThan(60)
})

test('a user registers, logs in and verifies the token through the edge', async () => {
  const { email, claims } = await walkThrough(edge)
  expect(email).toMatch(/@example\.com$/)
  expect(claims).toMatchObject({ role: 'user', sub: expect.any(String), sid: expect.any(String) })
})

test('other services verify tokens with the published key set', async () => {
  const { accessToken } = await walkThrough(edge)
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', edge.url), {
    [customFetch]: async () => {
      const { status, body } = await edge.call('GET', '/.well-known/jwks.json')
      return Response.json(body, { status })
    },
  })
  const { protectedHeader, payload } = await jwtVerify(accessToken, keys, { typ: 'at+jwt', algorithms: ['ES256'] })
  expect(protectedHeader.kid).toBeTypeOf('string')
  expect(Object.keys(payload)).toEqual(expect.arrayContaining(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'sid']))
})

test('a refresh gives a new pair of tokens, and after a logout both are invalid', async () => {
  const { email, password } = await walkThrough(edge)
  const login = await edge.call('POST', '/v1/auth/login', { json: { email, password } })
  const first = tokensOf(login.body)
  const refreshed = await edge.call('POST', '/v1/auth/refresh', { json: { refresh_token: first.refreshToken } })
  expect(refreshed.status).toBe(200)
  const second = tokensOf(refreshed.body)
  expect(second.refreshToken).not.toBe(first.refreshToken)

  expect((await edge.call('POST', '/v1/auth/logout', { bearer: second.accessToken })).status).toBe(204)
  await expect
    .poll(async () => (await edge.call('GET', '/v1/auth/verify', { bearer: second.accessToken })).status, {
      timeout: 30_000,
    })
    .toBe(401)
  const dead = await edge.call('POST', '/v1/auth/refresh', { json: { refresh_token: second.refreshToken } })
  expect(dead).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
})

test('a wrong password and an unknown email get the same problem', async () => {
  const { email } = await walkThrough(edge)
  const wrong = await edge.call('POST', '/v1/auth/login', { json: { email, password: 'not the right password' } })
  const unknown = await edge.call('POST', '/v1/auth/login', {
    json: { email: 'nobody@example.com', password: 'not the right password' },
  })
  expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
  expect(unknown).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
  expect(wrong.headers['content-type']).toContain('application/problem+json')
})

test('the metrics port is not reachable through the edge', async () => {
  expect((await edge.call('GET', '/metrics')).status).toBe(404)
})

test('kubectl get shows the most important columns', async () => {
  const table = await kubectl().run(['get', 'authsvc', '--all-namespaces'])
  expect(table).toMatch(/NAMESPACE\s+NAME\s+READY\s+PHASE\s+VERSION/)
  expect(table).toMatch(new RegExp(`${namespace}\\s+${name}\\s+True`))
})

test('every condition is set for the current generation', async () => {
  const current = async () => {
    const { metadata, status } = await kubectl().json<{
      metadata: { generation: number }
      status: { conditions: { type: string; observedGeneration: number; reason: string }[] }
    }>(['get', 'authservice', name, '--namespace', namespace])
    return {
      current: status.conditions
        .filter(({ observedGeneration }) => observedGeneration === metadata.generation)
        .map(({ type }) => type),
      others: status.conditions
        .filter(({ observedGeneration }) => observedGeneration !== metadata.generation)
        .map(({ type }) => type),
    }
  }
  await expect.poll(current).toEqual({
    current: expect.arrayContaining([
      'Ready',
      'Reconciling',
      'Stalled',
      'SecretsReady',
      'RedisReady',
      'MongoDBReady',
      'WorkloadAvailable',
      'IngressReady',
    ]),
    others: [],
  })
})

function tokensOf(body: unknown): { accessToken: string; refreshToken: string } {
  expect(body).toMatchObject({ access_token: expect.any(String), refresh_token: expect.any(String) })
  // The line above has checked both fields.
  const { access_token: accessToken, refresh_token: refreshToken } = body as Record<string, string>
  return { accessToken: accessToken ?? '', refreshToken: refreshToken ?? '' }
}
