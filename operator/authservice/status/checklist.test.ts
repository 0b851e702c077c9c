import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import type { Finding } from '../model/finding.ts'
import { evaluateChecklist, productionReady } from './checklist.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }

/** As in manifests/samples/production.yaml. */
const complete: AuthServiceSpec = {
  environment: 'production',
  mongodb: { external: { urlSecretRef: { name: 'mongodb', key: 'url' } } },
  redis: { external: { host: 'redis.example.com', tls: { enabled: true } } },
  tokens: { issuer: 'https://auth.example.com' },
  mfa: { mode: 'Optional' },
  cors: { origins: ['https://app.example.com'] },
  ingress: { host: 'auth.example.com', tls: { secretName: 'tls' } },
  backup: { schedule: '0 3 * * *', destination: { persistentVolumeClaim: { claimName: 'backups' } } },
}
const attested = { 'auth-operator.dev/load-tested': '1.4.0', 'auth-operator.dev/security-scanned': '1.4.0' }

function itemsOf(
  spec: AuthServiceSpec,
  { findings = [] as Finding[], annotations = attested, version = '1.4.0' } = {},
) {
  const resolved = resolveSpec({ metadata, spec })
  return evaluateChecklist({
    name: 'accounts',
    spec,
    resolved,
    secrets: new Map(),
    findings,
    annotations,
    version,
    backup: undefined,
    monitoring: { podMonitor: false, prometheusRule: false, dashboard: false },
  })
}
const open = (...input: Parameters<typeof itemsOf>) =>
  Object.fromEntries(itemsOf(...input).flatMap(({ item, ok, message }) => (ok ? [] : [[item, message]])))

describe('the production checklist', () => {
  test('has every item of the guide, in a fixed order', () => {
    expect(itemsOf(complete).map(({ item }) => item)).toEqual([
      'Environment',
      'MongoDBConnection',
      'RedisConnection',
      'SigningKeys',
      'SecondFactors',
      'IdentityProviders',
      'Certificate',
      'RateLimits',
      'CorsOrigins',
      'NetworkPolicy',
      'Dashboards',
      'Backups',
      'LoadTest',
      'SecurityScan',
    ])
  })

  const blocking = (condition: Finding['condition'], reason: Finding['reason'] = 'SecretNotFound'): Finding[] => [
    { kind: 'blocking', condition, reason, message: 'A Secret is missing.' },
  ]
  const withProvider = (fields: object): AuthServiceSpec => ({
    ...complete,
    oidc: { enabled: true },
    identityProviders: [
      {
        name: 'corp',
        issuer: 'https://id.corp.example',
        clientID: 'auth',
        clientSecretRef: { name: 'corp', key: 'secret' },
        ...fields,
      },
    ],
  })

  test.each([
    {},
    { domains: ['corp.example'], passwordLogin: false },
    { domains: ['corp.example'], passwordLogin: true },
  ])('has no open item about an identity provider with %j', (fields) => {
    expect(open(withProvider(fields))).not.toHaveProperty('IdentityProviders')
  })

  test.each<[item: string, ...Parameters<typeof itemsOf>]>([
    ['Environment', { ...complete, environment: 'staging' }],
    ['MongoDBConnection', { ...complete, mongodb: {} }],
    ['MongoDBConnection', complete, { findings: blocking('MongoDBReady') }],
    ['RedisConnection', { ...complete, redis: {} }],
    ['RedisConnection', { ...complete, redis: { external: { host: 'redis' } } }],
    ['SigningKeys', complete, { findings: blocking('SecretsReady') }],
    ['SecondFactors', { ...complete, mfa: {} }],
    ['SecondFactors', { ...complete, mfa: { mode: 'Optional', requiredRoles: [] } }],
    ['IdentityProviders', withProvider({ domains: ['corp.example'] })],
    ['IdentityProviders', complete, { findings: blocking('SecretsReady', 'IdentityProvidersInvalid') }],
    ['Certificate', { ...complete, environment: 'development', ingress: { host: 'auth.example.com' } }],
    ['Certificate', complete, { findings: blocking('IngressReady') }],
    ['RateLimits', { ...complete, rateLimits: { login: '2/s' } }],
    ['CorsOrigins', { ...complete, environment: 'staging', cors: { origins: ['http://localhost:3000'] } }],
    ['LoadTest', complete, { version: '1.5.0' }],
    ['SecurityScan', complete, { version: '1.5.0' }],
  ])('%s opens with one sentence that says what to do', (item, ...input) => {
    expect(open(complete)).not.toHaveProperty(item)
    expect(open(...input)[item]).toMatch(/^[a-z].{10,200}[^.]$/)
  })

  test('an attestation names the annotation, the version, and the version that it was last made for', () => {
    expect(open(complete, { version: '1.5.0' })['LoadTest']).toBe(
      'run a load test with the load that you expect in production (last done for 1.4.0), then annotate with auth-operator.dev/load-tested=1.5.0',
    )
  })

  test('is one condition: true when no item is open, and not False outside of production', () => {
    const ok = [{ item: 'Environment', ok: true }]
    const notOk = [...ok, { item: 'Backups', ok: false, message: 'back it up' }]
    expect(productionReady(ok, 'production')).toMatchObject({ status: 'True', reason: 'ChecklistComplete' })
    expect(productionReady(notOk, 'production')).toMatchObject({
      status: 'False',
      reason: 'ChecklistOpen',
      message: 'Open: Backups (back it up).',
    })
    expect(productionReady(notOk, 'staging')).toMatchObject({ status: 'Unknown', reason: 'NotProduction' })
  })
})
