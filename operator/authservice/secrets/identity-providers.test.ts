import { parseIdentityProviders } from '@authservice-operator/contract/identity-providers.ts'
import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import { decideIdentityProvidersSecret, providerProblemsOf, providersFileOf } from './identity-providers.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }
const corp = {
  name: 'corp',
  issuer: 'https://id.example.com',
  clientID: 'auth',
  clientSecretRef: { name: 'corp', key: 'secret' },
}
const everything = {
  ...corp,
  displayName: 'Example Corp',
  scopes: ['openid', 'groups'],
  domains: ['example.com'],
  passwordLogin: false,
  users: 'LinkedOnly',
  role: { claim: 'groups', adminValues: ['admins'] },
  applicationRoles: { claim: 'groups', mappings: [{ value: 'orders-team', role: 'orders.approver' }] },
  requiredClaims: [{ claim: 'hd', values: ['example.com'] }],
  acrValues: ['gold'],
  secondFactor: { amr: ['mfa'], acr: ['gold'] },
} satisfies NonNullable<AuthServiceSpec['identityProviders']>[number]
const secrets = new Map([['corp', { secret: 'a secret\n' }]])

const resolve = (identityProviders: AuthServiceSpec['identityProviders'], isOn = true) =>
  resolveSpec({
    metadata,
    spec: { mongodb: {}, redis: {}, oidc: { enabled: isOn }, ...(identityProviders && { identityProviders }) },
  })

const decide = (identityProviders: string | undefined, current?: string, isOn = true) =>
  decideIdentityProvidersSecret(
    {
      metadata,
      resolved: resolve([], isOn),
      existing: new Map(current === undefined ? [] : [['secret', { 'providers.json': current }]]),
      requested: new Map(),
      rotatedBy: undefined,
      mfaKeysRotatedBy: undefined,
      oidcKeysRotatedBy: undefined,
      passwords: { databasesDone: false, podsDone: false },
      loadedKeys: undefined,
      oidcClients: undefined,
      identityProviders,
      keysInUse: false,
      now: new Date('2026-11-24T12:00:00Z'),
    },
    'secret',
  )

test('servers accept the file with every field of a provider', () => {
  const presets = [
    { name: 'google', preset: 'Google' as const, clientID: 'a', clientSecretRef: corp.clientSecretRef },
    { name: 'github', preset: 'GitHub' as const, clientID: 'b', clientSecretRef: corp.clientSecretRef },
  ]
  const file = providersFileOf(resolve([everything, ...presets]), secrets) ?? ''
  const parsed = parseIdentityProviders(file, { allowLoopbackHttp: false })
  expect(parsed.kind === 'valid' ? parsed.file.providers : parsed).toEqual([
    {
      id: 'corp',
      name: 'Example Corp',
      issuer: 'https://id.example.com',
      clientId: 'auth',
      authentication: { method: 'secret', secret: 'a secret' },
      scopes: ['openid', 'groups'],
      domains: ['example.com'],
      passwordLogin: false,
      users: 'LinkedOnly',
      role: { claim: 'groups', admin: ['admins'] },
      applicationRoles: { claim: 'groups', mappings: [{ value: 'orders-team', role: 'orders.approver' }] },
      requiredClaims: { hd: ['example.com'] },
      acrValues: ['gold'],
      secondFactor: { amr: ['mfa'], acr: ['gold'] },
    },
    expect.objectContaining({ id: 'google', name: 'google', preset: 'google' }),
    expect.objectContaining({ id: 'github', preset: 'github' }),
  ])
})

test.each([
  ['a Secret is missing', [corp], new Map()],
  ['a key is empty', [corp], new Map([['corp', { secret: '\n' }]])],
  ['servers would refuse the file', [everything, { ...everything, name: 'other' }], secrets],
])('if %s, the file stays as it is', (_, providers, referenced) => {
  expect(providersFileOf(resolve(providers), referenced)).toBeUndefined()
  const current = '{"version":1,"providers":[],"a":1}'
  expect(decide(undefined, current)).toMatchObject({
    secrets: [{ data: { 'providers.json': current } }],
    changes: [],
  })
})

test('a domain of two providers is reported', () => {
  expect(providerProblemsOf(resolve([everything, { ...everything, name: 'other' }]))).toEqual([
    'the domain example.com belongs to two providers',
  ])
})

test('the Secret exists with the OpenID provider, and stays without it', () => {
  expect(decide('x', undefined, false)).toEqual({})
  expect(decide(undefined)).toMatchObject({ changes: [{ why: 'the file of identity providers' }] })
  expect(decide('new', 'old')).toMatchObject({ secrets: [{ data: { 'providers.json': 'new' } }] })
  expect(decide('new', 'old').changes).toEqual([{ name: 'secret', why: 'its providers have changed' }])
  expect(decide('new', 'old', false)).toMatchObject({ secrets: [{ data: { 'providers.json': 'old' } }], changes: [] })
})
