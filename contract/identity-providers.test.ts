import { expect, test } from 'vitest'
import { parseIdentityProviders } from './identity-providers.ts'

const authentication = { method: 'secret', secret: 'a secret' }
const corp = { id: 'corp', name: 'Corp', issuer: 'https://id.example.com', clientId: 'auth', authentication }
const google = { id: 'google', name: 'Google', preset: 'google', clientId: 'auth', authentication }
const text = (...providers: unknown[]) => JSON.stringify({ version: 1, providers })
const mapping = (...roles: string[]) => ({
  claim: 'groups',
  mappings: roles.map((role) => ({ value: 'team', role })),
})
const production = { allowLoopbackHttp: false }

test('providers of every kind are read', () => {
  const providers = [
    google,
    { ...google, id: 'github', preset: 'github', authentication: { method: 'secret', secretFile: '/run/secret' } },
    {
      ...corp,
      scopes: ['openid', 'email', 'groups'],
      domains: ['example.com', 'xn--bcher-kva.example'],
      passwordLogin: false,
      users: 'LinkedOnly',
      role: { claim: 'groups', admin: ['auth-admins'] },
      applicationRoles: {
        claim: 'groups',
        mappings: [
          { value: 'orders team', role: 'orders.approver' },
          { value: 'orders team', role: 'orders.viewer' },
          { value: '/finance', role: 'orders.viewer' },
        ],
      },
      requiredClaims: { hd: ['example.com'], beta: [true] },
      acrValues: ['urn:example:gold'],
      secondFactor: { amr: ['mfa'], acr: ['urn:example:gold'] },
    },
  ]
  expect(parseIdentityProviders(text(...providers), production)).toEqual({
    kind: 'valid',
    file: { version: 1, providers },
  })
})

test.each([
  ['not JSON', '{"secret": "a secret"', 'it is not JSON'],
  ['an unknown field', text({ ...corp, redirectUri: 'https://x.example' }), 'see /providers/0'],
  ['an ID that is no part of a path', text({ ...corp, id: '../x' }), 'see /providers/0/id'],
  ['two with one ID', text(corp, corp), 'provider corp appears twice'],
  [
    'two with one domain',
    text({ ...corp, domains: ['a.example'] }, { ...google, domains: ['a.example'] }),
    'the domain a.example belongs to two providers',
  ],
  ['no issuer', text({ ...google, preset: undefined }), 'issuer is missing'],
  ['an issuer for Google', text({ ...google, issuer: 'https://id.example.com' }), 'remove it'],
  ['plain http', text({ ...corp, issuer: 'http://id.example.com' }), 'does not begin with https://'],
  ['plain http on this machine', text({ ...corp, issuer: 'http://127.0.0.1:1' }), 'does not begin with https://'],
  ['another scheme', text({ ...corp, issuer: 'file:///etc/passwd' }), 'does not begin with https://'],
  ['an issuer that is no URL', text({ ...corp, issuer: 'id.example.com' }), 'is not a URL'],
  ['a password in the issuer', text({ ...corp, issuer: 'https://a:b@id.example.com' }), 'a user or a password'],
  ['a query in the issuer', text({ ...corp, issuer: 'https://id.example.com?a' }), 'a query or a fragment'],
  [
    'the address of the metadata',
    text({ ...corp, issuer: 'https://id.example.com/.well-known/openid-configuration' }),
    'is the address of the metadata',
  ],
  ['passwords forbidden for no domain', text({ ...corp, passwordLogin: false }), 'there are no domains'],
  ['scopes without openid', text({ ...corp, scopes: ['email'] }), 'lacks openid'],
  [
    'a second factor of GitHub',
    text({ ...google, preset: 'github', secondFactor: { amr: ['mfa'] } }),
    'does not say how a user logged in',
  ],
  [
    'application roles of GitHub',
    text({ ...google, preset: 'github', applicationRoles: mapping('orders.approver') }),
    'GitHub names no groups',
  ],
  [
    'an application role with the name of a role of accounts',
    text({ ...corp, applicationRoles: mapping('Admin') }),
    'applicationRoles: Admin is a role of accounts: write role, or choose another name',
  ],
  [
    'an application role that verify cannot pass on',
    text({ ...corp, applicationRoles: mapping('orders approver') }),
    'see /providers/0/applicationRoles/mappings/0/role',
  ],
  [
    'one mapping twice',
    text({ ...corp, applicationRoles: mapping('viewer', 'viewer') }),
    'applicationRoles maps team to viewer twice',
  ],
  ['application roles without a mapping', text({ ...corp, applicationRoles: mapping() }), 'see /providers/0'],
  [
    'more than 100 mappings',
    text({ ...corp, applicationRoles: mapping(...Array.from({ length: 101 }, (_, index) => `role${index}`)) }),
    'see /providers/0/applicationRoles/mappings',
  ],
  ['no secret', text({ ...corp, authentication: { method: 'secret' } }), 'needs either secret or secretFile'],
  [
    'two secrets',
    text({ ...corp, authentication: { ...authentication, secretFile: '/x' } }),
    'needs either secret or secretFile',
  ],
])('a file with %s is refused, and the sentence contains no secret', (_, file, problem) => {
  const parsed = parseIdentityProviders(file, production)
  expect(parsed.kind === 'corrupt' ? parsed.problems.join('\n') : parsed.kind).toContain(problem)
  expect(JSON.stringify(parsed)).not.toContain('a secret')
})

test.each(['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080/path'])(
  'in development, %s can be an issuer',
  (issuer) => {
    expect(parseIdentityProviders(text({ ...corp, issuer }), { allowLoopbackHttp: true }).kind).toBe('valid')
  },
)
