import { expect, test } from 'vitest'
import type { AuthClient } from './api/schema.ts'
import { entryOf, problemsOf } from './client-entry.ts'

type Spec = Omit<AuthClient['spec'], 'authServiceRef'>

const clientOf = (spec: Spec): AuthClient => ({
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthClient',
  metadata: { name: 'shop', namespace: 'shops', uid: 'u-1', generation: 1 },
  spec: { authServiceRef: { name: 'accounts' }, ...spec },
})
const redirectUris = ['https://shop.example.com/callback']
const resources = [{ uri: 'https://orders.example.com', scopes: ['orders:read'] }]
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

test.each<[what: string, spec: Spec, entry: object]>([
  ['an application', { redirectUris }, { redirectUris, grants: ['authorization_code', 'refresh_token'] }],
  ['one with bound tokens', { redirectUris, dpopBoundAccessTokens: true }, { dpopBoundAccessTokens: true }],
  ['a job', { grants: ['client_credentials'], resources }, { grants: ['client_credentials'], resources }],
  [
    'a television',
    { grants: ['device_code', 'refresh_token'], authentication: { method: 'None' } },
    { grants: [deviceGrant, 'refresh_token'], scopes: ['openid', 'profile', 'email'] },
  ],
  [
    'an application with every grant',
    {
      redirectUris,
      resources,
      grants: ['authorization_code', 'client_credentials', 'device_code', 'refresh_token'],
      scopes: ['openid', 'offline_access'],
    },
    { resources, grants: ['authorization_code', 'client_credentials', deviceGrant, 'refresh_token'] },
  ],
])('servers accept the entry of %s', (_, spec, entry) => {
  const client = clientOf(spec)
  expect(problemsOf(client)).toEqual([])
  expect(entryOf(client, [])).toMatchObject(entry)
})

test('a client with ServiceAccounts accepts those of its own namespace', () => {
  const authentication = { method: 'ServiceAccount' as const, serviceAccount: { names: ['report-job', 'other'] } }
  const client = clientOf({ redirectUris, authentication })
  const rules = { issuer: 'https://kubernetes.default.svc', audience: 'https://auth.example.com' }
  expect(problemsOf(client)).toEqual([])
  expect(entryOf(client, [], rules).authentication).toEqual({
    method: 'serviceAccount',
    ...rules,
    subjects: ['system:serviceaccount:shops:report-job', 'system:serviceaccount:shops:other'],
  })
  expect(() => entryOf(client, [])).toThrow(/issuer of ServiceAccounts is unknown/)
})

test('a client that gets tokens only for itself has no scopes about users, unless it names some', () => {
  const job: Spec = { grants: ['client_credentials'], resources }
  expect(entryOf(clientOf(job), [])).not.toHaveProperty('scopes')
  expect(entryOf(clientOf({ ...job, scopes: ['openid'] }), [])).toHaveProperty('scopes', ['openid'])
})

test('the size of an entry is bounded, so that a client takes little of the file of all clients', () => {
  const list = <T>(length: number, item: (index: number) => T) => Array.from({ length }, (_, index) => item(index))
  const uri = (length: number) => (index: number) => `https://a.example/${index}`.padEnd(length, 'a')
  const [part, word] = ['A'.repeat(1_400), 'a'.repeat(128)]
  const key = { kty: 'RSA' as const, kid: word, alg: word, use: word, crv: word, x: part, y: part, n: part, e: part }
  const largest = clientOf({
    redirectUris: list(20, uri(512)),
    postLogoutRedirectUris: list(20, uri(512)),
    resources: list(10, (api) => ({ uri: uri(256)(api), scopes: list(20, (index) => `${index}`.padEnd(64, 'a')) })),
    authentication: { method: 'PrivateKeyJWT', jwks: { keys: list(5, () => key) } },
  })
  expect(JSON.stringify(entryOf(largest, [])).length).toBeLessThan(70 * 1_024)
})
