import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { isReceiverOf } from './logout-receivers.ts'
import { httpsUriProblem, redirectUriProblem, resourceUriProblem } from './oidc-client-rules.ts'
import { parseOidcClients } from './oidc-clients.ts'

const hash = 'ab'.repeat(32)
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256' }] }
const privateJwks = { keys: [privateKey.export({ format: 'jwk' })] }

const shop = {
  id: 'shop',
  name: 'Shop',
  firstParty: true,
  redirectUris: ['https://shop.example.com/callback?tenant=1'],
  postLogoutRedirectUris: ['https://shop.example.com/'],
  backchannelLogoutUri: 'https://shop.example.com/logout',
  grants: ['authorization_code', 'refresh_token'],
  scopes: ['openid', 'email', 'offline_access'],
  resources: [{ uri: 'https://api.example.com', scopes: ['orders:read'], userClaims: ['roles'] }],
  userClaims: ['roles', 'department'],
  claims: { tenant: 'acme' },
  lifetimes: { accessToken: 300, refreshTokenIdle: 3600, refreshTokenAbsolute: 86_400 },
  authentication: { method: 'secret', secretHashes: [hash, hash] },
}
const issuer = 'https://kubernetes.default.svc.cluster.local'
const job = {
  id: 'job',
  name: 'Job',
  grants: ['client_credentials'],
  resources: [{ uri: 'https://api.example.com' }],
  authentication: {
    method: 'serviceAccount',
    issuer,
    subjects: ['system:serviceaccount:ci:deployer'],
    audience: 'auth',
  },
}
const text = (...clients: unknown[]) => JSON.stringify({ version: 1, clients })

test('clients of every kind of authentication are read', () => {
  const clients = [
    shop,
    job,
    { ...shop, id: 'bank', authentication: { method: 'private_key_jwt', jwks }, fapi: true },
    { ...shop, id: 'remote', authentication: { method: 'private_key_jwt', jwksUri: 'https://shop.example.com/jwks' } },
    { ...shop, id: 'cli', type: 'native', redirectUris: ['http://127.0.0.1/'], authentication: { method: 'none' } },
  ]
  const file = { version: 1, clients, serviceAccountIssuers: [{ issuer, jwks }] }
  expect(parseOidcClients(JSON.stringify(file))).toEqual({ kind: 'valid', file })
  expect(parseOidcClients(text())).toEqual({ kind: 'valid', file: { version: 1, clients: [] } })
})

const receiving = (...logoutReceivers: object[]) => JSON.stringify({ version: 1, clients: [shop], logoutReceivers })

test.each([
  [{ host: 'shop.example.com', port: 443 }, true],
  [{ host: 'shop.example.com', port: 8443 }, false],
  [{ host: 'other.example.com', port: 443 }, false],
  [{ host: 'example.com', port: 443 }, false],
])('logout tokens of a file with receivers go to no other host and port: %j', (receiver, isListed) => {
  const problem = 'client shop: backchannelLogoutUri: https://shop.example.com/logout has a host and port'
  expect(parseOidcClients(receiving(receiver))).toEqual(
    isListed
      ? { kind: 'valid', file: JSON.parse(receiving(receiver)) }
      : { kind: 'corrupt', problems: [expect.stringContaining(problem)] },
  )
})

test.each([
  ['https://10.0.0.5:8443/logout', { host: '10.0.0.5', port: 8443 }],
  ['https://[fd00::1]/logout', { host: 'FD00:0:0:0:0:0:0:1', port: 443 }],
  ['https://SHOP.example.com/logout', { host: 'shop.example.com', port: 443 }],
])('%s is at the receiver %j', (uri, receiver) => {
  expect(isReceiverOf(uri, receiver)).toBe(true)
})

test.each([
  'https://shop.example.com.evil.example/',
  'https://shop.example.com@evil.example/',
  'https://evil.example/shop.example.com',
  'https://evil.example#shop.example.com',
  'https://shop.example.com./logout',
  'http://shop.example.com:443/logout',
  'not a URI',
])('%s is not at the receiver that it imitates', (uri) => {
  expect(isReceiverOf(uri, { host: 'shop.example.com', port: 443 })).toBe(false)
})

const withIssuers = (...serviceAccountIssuers: object[]) =>
  JSON.stringify({ version: 1, clients: [], serviceAccountIssuers })

test.each([
  [withIssuers({ issuer, jwks: privateJwks }), 'key 1 of jwks is private or symmetric'],
  [withIssuers({ issuer, jwks }, { issuer, jwks }), 'serviceAccountIssuers: https://kubernetes.default.svc'],
  ['{"version": 1, "clients": [{"id": "shop"', 'it is not JSON'],
  ['[]', 'see the whole'],
  [text({ ...shop, userClaims: ['role'] }), 'userClaims: role is a registered or reserved claim'],
  [text({ ...shop, claims: { sub: 'another' } }), 'claims: sub is a registered or reserved claim'],
  [text({ ...shop, claims: { roles: 'admin' } }), 'claims: roles is a registered or reserved claim'],
  [text({ ...shop, claims: { department: 'a' } }), 'claims: department is in userClaims, too'],
  [text({ ...shop, claims: { tenant: 1 } }), 'see /clients/0/claims/tenant'],
  [
    text({ ...shop, resources: [{ uri: 'urn:api', userClaims: ['iss'] }] }),
    'resources: userClaims of urn:api: iss is a registered or reserved claim',
  ],
  [text({ ...shop, grants: ['implicit'] }), 'see /clients/0/grants/0'],
  [text({ ...shop, grants: ['password'] }), 'see /clients/0/grants/0'],
  [text({ ...shop, redirect_uris: [] }), 'see /clients/0'],
  [text({ ...shop, authentication: { method: 'secret', secretHashes: ['plain-secret'] } }), 'see /clients/0/auth'],
  [text({ ...shop, authentication: { method: 'secret', secretHashes: [hash, hash, hash] } }), 'see /clients/0/auth'],
  [text({ ...shop, lifetimes: { accessToken: 1 } }), 'see /clients/0/lifetimes/accessToken'],
  [text(shop, shop), 'client shop appears twice'],
  [text({ ...shop, id: 'first-party' }), 'client first-party: id first-party is reserved'],
  [text({ ...shop, id: '65f0c0ffee65f0c0ffee65f0' }), 'looks like the ID of a user'],
  [text({ ...shop, redirectUris: [] }), 'client shop: redirectUris is empty'],
  [text({ ...shop, grants: ['client_credentials'], scopes: [] }), 'redirectUris has no effect'],
  [text({ ...job, grants: ['refresh_token'] }), 'refresh_token in grants needs authorization_code'],
  [text({ ...job, authentication: { method: 'none' } }), 'client_credentials in grants needs an authentication'],
  [text({ ...shop, grants: ['authorization_code'] }), 'the scope offline_access needs refresh_token'],
  [text({ ...shop, redirectUris: ['https://*.example.com'] }), 'redirectUris: https://*.example.com has a wildcard'],
  [
    text({ ...shop, postLogoutRedirectUris: ['http://a.example'] }),
    'postLogoutRedirectUris: http://a.example does not',
  ],
  [
    text({ ...shop, backchannelLogoutUri: 'http://a.example' }),
    'backchannelLogoutUri: http://a.example does not begin',
  ],
  [text({ ...shop, redirectUris: ['https://a.example', 'https://a.example'] }), 'https://a.example appears twice'],
  [text({ ...shop, resources: [{ uri: 'orders' }] }), 'resources: orders is not an absolute URI'],
  [
    text({ ...shop, resources: [{ uri: 'https://api.example.com', scopes: ['openid'] }] }),
    'resources: the scope openid of https://api.example.com is one about the user',
  ],
  [text({ ...job, resources: [] }), 'client_credentials in grants needs resources'],
  [text({ ...shop, fapi: true }), 'fapi needs the authentication private_key_jwt'],
  [
    text({
      ...shop,
      authentication: { method: 'private_key_jwt', jwks: { keys: [{ ...jwks.keys[0], alg: 'RS256' }] } },
      fapi: true,
    }),
    'fapi needs a key in jwks whose alg is one of PS256, ES256, EdDSA',
  ],
  [
    text({ ...shop, authentication: { method: 'none' }, requirePkce: false }),
    'requirePkce must be true for public clients',
  ],
  [
    text({ ...shop, authentication: { method: 'private_key_jwt', jwks }, fapi: true, requirePkce: false }),
    'requirePkce must be true for public clients and with fapi',
  ],
  [text({ ...shop, authentication: { method: 'private_key_jwt' } }), 'needs either jwks or jwksUri'],
  [
    text({ ...shop, authentication: { method: 'private_key_jwt', jwks, jwksUri: 'https://a.example' } }),
    'needs either jwks or jwksUri',
  ],
  [
    text({ ...shop, authentication: { method: 'private_key_jwt', jwks: privateJwks } }),
    'key 1 of jwks is private or symmetric',
  ],
  [
    text({ ...shop, authentication: { method: 'private_key_jwt', jwks: { keys: [{ kty: 'EC', crv: 'P-256' }] } } }),
    'key 1 of jwks is not a usable public key',
  ],
  [
    text({ ...job, authentication: { ...job.authentication, subjects: ['system:anonymous'] } }),
    'see /clients/0/authentication',
  ],
  [
    text({ ...job, authentication: { ...job.authentication, issuer: 'http://kubernetes' } }),
    'issuer: http://kubernetes does not begin with https://',
  ],
  [
    text({ ...shop, lifetimes: { refreshTokenIdle: 600, refreshTokenAbsolute: 60 } }),
    'lifetimes.refreshTokenIdle (600 s) exceeds',
  ],
])('what is wrong with a file of clients is said without a hash or key: %#', (wrong, expected) => {
  const parsed = parseOidcClients(wrong)
  expect(parsed).toEqual({
    kind: 'corrupt',
    problems: expect.arrayContaining([expect.stringContaining(expected)]),
  })
  const secrets = [hash, 'plain-secret', privateJwks.keys[0]?.d ?? 'none']
  for (const secret of secrets) expect(JSON.stringify(parsed)).not.toContain(secret)
})

test.each([
  ['https://app.example.com/callback', 'web', undefined],
  ['https://app.example.com/callback?a=b', 'web', undefined],
  ['https://app.example.com/callback#', 'web', 'fragment'],
  ['https://app.example.com/callback#a', 'web', 'fragment'],
  ['https://app.example.com/*', 'web', 'wildcard'],
  ['https://user@app.example.com/', 'web', 'user name'],
  ['https://user:word@app.example.com/', 'web', 'user name'],
  ['https://app.example.com/a/../b', 'web', '..'],
  ['https://app.example.com/a/%2e%2E/b', 'web', '..'],
  ['https://app.example.com\\@evil.example/', 'web', 'backslash'],
  ['https://app.example.com/ ', 'web', 'space'],
  ['https://äpp.example.com/', 'web', 'outside ASCII'],
  ['/callback', 'web', 'absolute'],
  ['//evil.example/callback', 'web', 'absolute'],
  ['http://app.example.com/', 'web', 'https://'],
  ['http://127.0.0.1/', 'web', 'type native'],
  ['com.example.app:/callback', 'web', 'type native'],
  ['javascript:alert(1)', 'web', 'https://'],
  ['http://127.0.0.1:8400/callback', 'native', undefined],
  ['http://[::1]/', 'native', undefined],
  ['http://localhost/', 'native', undefined],
  ['http://127.0.0.1.evil.example/', 'native', 'loopback'],
  ['http://app.example.com/', 'native', 'loopback'],
  ['com.example.app:/callback', 'native', undefined],
  ['myapp:/callback', 'native', 'others can claim'],
  ['javascript:alert(1)', 'native', 'others can claim'],
  ['data:text/html,a', 'native', 'others can claim'],
] as const)('a redirect to %s of a %s client: %s', (uri, type, problem) => {
  if (problem === undefined) expect(redirectUriProblem(uri, type)).toBeUndefined()
  else expect(redirectUriProblem(uri, type)).toContain(problem)
})

test('the server calls only https URIs, and a resource is any absolute URI without a fragment', () => {
  expect(httpsUriProblem('https://shop.shop.svc/logout')).toBeUndefined()
  expect(httpsUriProblem('http://shop.shop.svc/logout')).toContain('https://')
  expect(httpsUriProblem('file:///etc/passwd')).toContain('https://')
  expect(resourceUriProblem('urn:example:orders')).toBeUndefined()
  expect(resourceUriProblem('https://api.example.com')).toBeUndefined()
  expect(resourceUriProblem('https://api.example.com/#a')).toContain('fragment')
})
