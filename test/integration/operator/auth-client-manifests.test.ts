import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { clientDefinition } from '../../../operator/auth-client/api/crd.ts'
import { grants } from '../../../operator/auth-client/api/grants.ts'
import { apiVersion, kind } from '../../../operator/auth-client/api/group.ts'
import { Namespace } from '../support/namespace.ts'

let namespace: Namespace
beforeAll(async () => {
  namespace = await Namespace.create(inject('apiServer').kubeconfigPath, `client-manifests-${Date.now()}`)
})

const redirectUris = ['https://shop.example.com/callback']
const create = (name: string, spec: object) =>
  namespace.create({
    apiVersion,
    kind,
    metadata: { name },
    spec: { authServiceRef: { name: 'accounts' }, redirectUris, ...spec },
  })

const native = (...uris: string[]) => ({ type: 'Native', redirectUris: uris, authentication: { method: 'None' } })
const onlyNative = 'plain http and other schemes are only for clients of type Native: write redirectUris as https://'
const nativeUris = 'with a domain of yours in reverse order as scheme'
const key = { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' }

const bank = (more: object) => ({
  fapi: true,
  authentication: { method: 'PrivateKeyJWT', jwks: { keys: [{ ...key, ...more }] } },
})

const resources = [{ uri: 'https://orders.example.com', scopes: ['orders:read'] }]
const job = { redirectUris: undefined, grants: ['client_credentials'], resources }

/** What is wrong, the fields that override those of a valid client, and a part of the error message. */
const wrong: readonly [what: string, spec: object, says: string][] = [
  ['no redirect URI', { redirectUris: [] }, 'spec.redirectUris'],
  ['a wildcard', { redirectUris: ['https://*.example.com/callback'] }, 'a wildcard (*) would let others receive codes'],
  ['a fragment', { redirectUris: ['https://shop.example.com/#login'] }, 'browsers do not send a fragment (#)'],
  ['a path', { redirectUris: ['/callback'] }, 'write an absolute URI, such as https://app.example.com/callback'],
  ['plain http', { redirectUris: ['http://shop.example.com/callback'] }, onlyNative],
  ['plain http on this machine for a web application', { redirectUris: ['http://127.0.0.1/callback'] }, onlyNative],
  [
    'plain http after a logout',
    { postLogoutRedirectUris: ['http://shop.example.com/'] },
    'only for clients of type Native: write postLogoutRedirectUris as https://',
  ],
  ['a native client with plain http', native('http://shop.example.com/'), nativeUris],
  ['a native client with a host that looks like this machine', native('http://127.0.0.1.example.com/'), nativeUris],
  ['a native client with a scheme that others can claim', native('shop:/callback'), nativeUris],
  [
    'a native client with plain http after a logout',
    { type: 'Native', postLogoutRedirectUris: ['http://shop.example.com/'] },
    'write postLogoutRedirectUris as https://…, http://127.0.0.1/…',
  ],
  [
    'a login without a redirect URI',
    { redirectUris: undefined },
    'redirectUris is empty, which authorization_code needs',
  ],
  ['redirect URIs without a login', { grants: ['device_code'] }, 'redirectUris has no effect without'],
  [
    'refresh tokens without a login',
    { redirectUris: undefined, grants: ['refresh_token'] },
    'needs authorization_code or device_code, which begin the session',
  ],
  ['a grant that servers do not have', { grants: ['implicit'] }, 'Unsupported value: "implicit"'],
  [
    'a token for itself without an authentication',
    { ...job, authentication: { method: 'None' } },
    'needs an authentication other than None',
  ],
  ['a token for itself without an API', { ...job, resources: undefined }, 'needs resources, which its tokens are for'],
  ['an API with a fragment', { resources: [{ uri: 'https://api.example.com/#a' }] }, 'a resource has no fragment (#)'],
  ['an API without a scheme', { resources: [{ uri: 'orders' }] }, 'such as https://api.example.com'],
  ['an API that appears twice', { resources: [{ uri: 'urn:a:b' }, { uri: 'urn:a:b' }] }, 'Duplicate value'],
  ['a space in a scope', { resources: [{ uri: 'urn:a:b', scopes: ['orders read'] }] }, 'resources[0].scopes[0]'],
  ['a claim that only servers set', { claims: [{ name: 'sub', value: 'another' }] }, 'a registered or reserved claim'],
  ['a right of users as its own claim', { claims: [{ name: 'groups', value: 'admins' }] }, 'a registered or reserved'],
  ['a role as its own claim', { claims: [{ name: 'role', value: 'admin' }] }, 'a registered or reserved claim'],
  ['a claim with a line break', { claims: [{ name: 'tenant', value: 'a\nb' }] }, 'spec.claims[0].value'],
  [
    'a claim that appears twice',
    { claims: [1, 2].map((value) => ({ name: 'a', value: `${value}` })) },
    'Duplicate value',
  ],
  ['a registered claim of users', { userClaims: ['role'] }, 'a registered or reserved claim is not a custom one'],
  ['a name with a space', { userClaims: ['cost center'] }, 'spec.userClaims[0]'],
  [
    'a registered claim of users at an API',
    { resources: [{ uri: 'urn:a:b', userClaims: ['sub'] }] },
    'a registered or reserved claim is not a custom one',
  ],
  [
    'a scope about the user at an API',
    { resources: [{ uri: 'urn:a:b', scopes: ['openid'] }] },
    'a scope about the user is not one of an API',
  ],
  [
    'offline access without refresh tokens',
    { grants: ['authorization_code'], scopes: ['openid', 'offline_access'] },
    'add refresh_token to grants',
  ],
  ['a scope that does not exist', { scopes: ['admin'] }, 'Unsupported value: "admin"'],
  ['keys for a secret', { authentication: { jwks: { keys: [key] } } }, 'needs the public keys of the client'],
  ['no keys', { authentication: { method: 'PrivateKeyJWT' } }, 'needs the public keys of the client'],
  [
    'names of ServiceAccounts for a secret',
    { authentication: { serviceAccount: { names: ['report-job'] } } },
    'needs the names of ServiceAccounts',
  ],
  ['no ServiceAccount', { authentication: { method: 'ServiceAccount' } }, 'needs the names of ServiceAccounts'],
  [
    'plain http for logout tokens',
    { backchannelLogoutUri: 'http://shop.example.com/logout' },
    'write backchannelLogoutUri as https://',
  ],
  [
    'logout tokens without users',
    { ...job, backchannelLogoutUri: 'https://shop.example.com/logout' },
    'backchannelLogoutUri has no effect without users',
  ],
  ['FAPI 2.0 and a shared secret', { fapi: true }, 'fapi needs the method PrivateKeyJWT'],
  [
    'FAPI 2.0 and a public client',
    { fapi: true, authentication: { method: 'None' } },
    'fapi needs the method PrivateKeyJWT',
  ],
  [
    'FAPI 2.0 and tokens of ServiceAccounts',
    { fapi: true, authentication: { method: 'ServiceAccount', serviceAccount: { names: ['report-job'] } } },
    'fapi needs the method PrivateKeyJWT',
  ],
  ['FAPI 2.0 and a key for RS256 only', bank({ alg: 'RS256' }), 'FAPI 2.0 allows only the algorithms PS256'],
  [
    'FAPI 2.0 and unbound access tokens',
    { ...bank({}), dpopBoundAccessTokens: false },
    'fapi binds every access token of the client',
  ],
  [
    'a public client without PKCE',
    { requirePkce: false, authentication: { method: 'None' } },
    'public clients and those with fapi need PKCE',
  ],
  ['FAPI 2.0 without PKCE', { ...bank({}), requirePkce: false }, 'public clients and those with fapi need PKCE'],
  [
    'a rotation of no secret',
    { authentication: { method: 'None', secret: { rotationInterval: '30d' } } },
    'secret applies only to the method Secret',
  ],
  [
    'an overlap that never ends',
    { authentication: { secret: { rotationInterval: '1d', overlap: '1d' } } },
    'overlap must be shorter than rotationInterval',
  ],
  [
    'a rotation each hour',
    { authentication: { secret: { rotationInterval: '1h' } } },
    'write a duration from 1d to 730d',
  ],
  ['an overlap of a second', { authentication: { secret: { overlap: '1s' } } }, 'write a duration from 10m to 30d'],
  ['an access token for a year', { lifetimes: { accessToken: '365d' } }, 'write a duration from 1m to 24h'],
  ['a session of two years', { lifetimes: { refreshTokenIdle: '730d' } }, 'write a duration from 1m to 365d'],
  [
    'a session that ends before it is idle',
    { lifetimes: { refreshTokenIdle: '2d', refreshTokenAbsolute: '1d' } },
    'refreshTokenIdle is longer than refreshTokenAbsolute',
  ],
]

/** Messages of the rules of a schema. */
function messagesIn(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(messagesIn)
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([field, value]) =>
    field === 'x-kubernetes-validations' ? value.map(({ message }: { message: string }) => message) : messagesIn(value),
  )
}

describe('the API server rejects an AuthClient with', () => {
  test.each(wrong)('%s', async (_, spec, says) => {
    await expect(create('wrong', spec)).rejects.toThrow(says)
  })

  test('a name that is too long for its client ID', async () => {
    await expect(create('a'.repeat(64), {})).rejects.toThrow('must have at most 63 characters')
  })

  test('a violation of each rule of the schema', () => {
    const says = [...wrong.map(([, , part]) => part), 'must have at most 63 characters']
    const messages = messagesIn(clientDefinition())
    expect(messages.length).toBeGreaterThan(15)
    expect(messages.filter((message) => !says.some((part) => message.includes(part)))).toEqual([])
  })
})

describe('the API server accepts an AuthClient', () => {
  test.each<[string, object]>([
    [
      'with every URI of a native client',
      native(
        'http://127.0.0.1/cb',
        'http://[::1]:8080/cb',
        'http://localhost/',
        'com.example.app:/cb',
        'https://a.example/',
      ),
    ],
    [
      'of the largest size',
      {
        redirectUris: Array.from({ length: 20 }, (_, index) => `https://a.example/${index}`.padEnd(512, 'a')),
        resources: Array.from({ length: 10 }, (_, index) => ({
          uri: `https://a.example/${index}`.padEnd(256, 'a'),
          scopes: Array.from({ length: 20 }, (_, position) => `${position}:`.padEnd(64, 'a')),
        })),
      },
    ],
    ['of a job', job],
    [
      'of a device',
      { redirectUris: undefined, grants: ['device_code', 'refresh_token'], authentication: { method: 'None' } },
    ],
    ['with every grant', { ...job, redirectUris, grants: [...grants] }],
    ['with a receiver of logout tokens', { backchannelLogoutUri: 'https://shop.shops.svc:8443/logout?a=b' }],
    ['of a bank', bank({ alg: 'PS256' })],
    ['of a bank with bound tokens', { ...bank({}), dpopBoundAccessTokens: true }],
    ['whose library does not know PKCE', { requirePkce: false }],
    ['of a bank that says what it needs', { ...bank({}), requirePkce: true }],
    ['with keys', { authentication: { method: 'PrivateKeyJWT', jwks: { keys: [key] } } }],
    [
      'with every lifetime',
      { lifetimes: { accessToken: '5m', idToken: '1h', refreshTokenIdle: '1d', refreshTokenAbsolute: '365d' } },
    ],
  ])('%s', async (what, spec) => {
    await create(what.toLowerCase().replaceAll(' ', '-'), spec)
  })

  test('of the sample', async () => {
    const file = resolve(import.meta.dirname, '../../../manifests/samples/openid-connect.yaml')
    const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS())
    for (const document of documents) await namespace.apply(document)
    expect(documents.map((document) => document.kind)).toContain(kind)
  })
})
