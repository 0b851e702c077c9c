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
const publicKey = {
  kty: 'EC' as const,
  crv: 'P-256',
  alg: 'ES256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

test.each<[what: string, spec: Spec, entry: object]>([
  ['an application', { redirectUris }, { redirectUris, grants: ['authorization_code', 'refresh_token'] }],
  ['one with bound tokens', { redirectUris, dpopBoundAccessTokens: true }, { dpopBoundAccessTokens: true }],
  [
    'one with claims of users and of its own',
    { redirectUris, userClaims: ['roles'], claims: [{ name: 'tenant', value: 'acme' }] },
    { userClaims: ['roles'], claims: { tenant: 'acme' } },
  ],
  [
    'a bank that follows FAPI 2.0',
    { redirectUris, fapi: true, authentication: { method: 'PrivateKeyJWT', jwks: { keys: [publicKey] } } },
    { fapi: true, authentication: { method: 'private_key_jwt', jwks: { keys: [publicKey] } } },
  ],
  ['one whose library does not know PKCE', { redirectUris, requirePkce: false }, { requirePkce: false }],
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

test('servers learn when a client was created', () => {
  const { metadata, ...client } = clientOf({ redirectUris })
  const createdAt = '2026-12-01T21:00:00Z'
  const created = { ...client, metadata: { ...metadata, creationTimestamp: createdAt } }
  expect(problemsOf(created)).toEqual([])
  expect(entryOf(created, [])).toMatchObject({ createdAt })
})

test('a client with ServiceAccounts accepts those of its own namespace', () => {
  const authentication = { method: 'ServiceAccount' as const, serviceAccount: { names: ['report-job', 'other'] } }
  const client = clientOf({ redirectUris, authentication })
  const rules = { issuer: 'https://kubernetes.default.svc', audience: 'https://auth.example.com' }
  expect(problemsOf(client)).toEqual([])
  expect(entryOf(client, [], { tokenRules: rules }).authentication).toEqual({
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

test('servers would refuse a client with a claim of its own that users have, or with too many bytes of claims', () => {
  const claims = [{ name: 'tenant', value: 'acme' }]
  expect(problemsOf(clientOf({ redirectUris, userClaims: ['tenant'], claims }))).toEqual([
    'claims: tenant is in userClaims, too: choose another name',
  ])
  const large = Array.from({ length: 8 }, (_, index) => ({ name: `claim${index}`, value: 'x'.repeat(256) }))
  expect(problemsOf(clientOf({ redirectUris, claims: large }))).toEqual([
    'claims: they have more than 1536 bytes as JSON: shorten them',
  ])
})

test('the size of an entry is bounded, so that a client takes little of the file of all clients', () => {
  const list = <T>(length: number, item: (index: number) => T) => Array.from({ length }, (_, index) => item(index))
  const uri = (length: number) => (index: number) => `https://a.example/${index}`.padEnd(length, 'a')
  const [part, word] = ['A'.repeat(1_400), 'a'.repeat(128)]
  const key = { kty: 'RSA' as const, kid: word, alg: word, use: word, crv: word, x: part, y: part, n: part, e: part }
  const largest = clientOf({
    redirectUris: list(20, uri(512)),
    postLogoutRedirectUris: list(20, uri(512)),
    resources: list(10, (api) => ({
      uri: uri(256)(api),
      scopes: list(20, (index) => `${index}`.padEnd(64, 'a')),
      userClaims: list(20, (index) => `a${index}`.padEnd(64, 'a')),
    })),
    userClaims: list(20, (index) => `a${index}`.padEnd(64, 'a')),
    claims: list(20, (index) => ({ name: `b${index}`.padEnd(64, 'a'), value: 'a'.repeat(256) })),
    authentication: { method: 'PrivateKeyJWT', jwks: { keys: list(5, () => key) } },
  })
  expect(JSON.stringify(entryOf(largest, [])).length).toBeLessThan(90 * 1_024)
})

test('servers get a receiver of logout tokens only if the AuthService lists its host and port', () => {
  const backchannelLogoutUri = 'https://shop.shops.svc:8443/logout'
  const client = clientOf({ redirectUris, backchannelLogoutUri })
  const uriWith = (...receivers: { host: string; port: number }[]) =>
    entryOf(client, [], { receivers }).backchannelLogoutUri
  expect(problemsOf(client)).toEqual([])
  expect(uriWith({ host: 'shop.shops.svc', port: 8443 })).toBe(backchannelLogoutUri)
  expect(uriWith({ host: 'shop.shops.svc', port: 443 })).toBeUndefined()
  expect(uriWith({ host: 'other.shops.svc', port: 8443 })).toBeUndefined()
  expect(uriWith()).toBeUndefined()
})
