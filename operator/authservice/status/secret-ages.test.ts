import { expect, test } from 'vitest'
import type { AuthServiceStatus, SecretStatus } from '../api/schema.ts'
import { secretAges } from './secret-ages.ts'

const made = '2026-05-01T00:00:00Z'
const child = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, creationTimestamp: made } })
const names = ['accounts-keys', 'accounts-mongodb', 'accounts-redis', 'accounts-email-hash', 'accounts-edge-tls']
const passwords: SecretStatus[] = [
  { name: 'accounts-mongodb', keyId: 'admin-password', state: 'Active' },
  { name: 'accounts-mongodb', keyId: 'app-password', state: 'Active' },
  { name: 'accounts-redis', keyId: 'password', state: 'Active' },
  { name: 'accounts-email-hash', keyId: 'secret', state: 'Active' },
]

function ages(status: AuthServiceStatus, rotatedBy?: string, existing = names) {
  const data = rotatedBy === undefined ? {} : { 'rotated-by': rotatedBy }
  const snapshot = {
    children: existing.map(child),
    ownSecrets: new Map(existing.map((name) => [name, name.includes('keys') ? {} : data])),
  }
  const found = secretAges(snapshot, status)
  return Object.fromEntries(found.map(({ secret, key, createdAt }) => [`${secret}/${key}`, createdAt.toISOString()]))
}
const at = (time: string) => new Date(time).toISOString()

test('signing keys and certificates have a time of their own, also before and after they sign; a refused key has none', () => {
  const key = (keyId: string, state: SecretStatus['state'], createdAt: string): SecretStatus => ({
    name: 'accounts-keys',
    keyId,
    state,
    createdAt,
  })
  const secrets = [
    key('next', 'Pending', '2026-11-01T00:00:00Z'),
    key('now', 'Active', '2026-08-01T00:00:00Z'),
    key('before', 'Accepted', '2026-06-01T00:00:00Z'),
    key('revoked', 'Retired', '2026-04-01T00:00:00Z'),
    { name: 'accounts-edge-tls', keyId: 'tls.crt', state: 'Active', createdAt: '2026-09-01T00:00:00Z' } as const,
  ]
  expect(ages({ secrets })).toEqual({
    'accounts-keys/next': at('2026-11-01T00:00:00Z'),
    'accounts-keys/now': at('2026-08-01T00:00:00Z'),
    'accounts-keys/before': at('2026-06-01T00:00:00Z'),
    'accounts-edge-tls/tls.crt': at('2026-09-01T00:00:00Z'),
  })
})

test('a password is as old as its Secret, until it is rotated', () => {
  expect(new Set(Object.values(ages({ secrets: passwords })))).toEqual(new Set([at(made)]))
  const takenAt = '2026-10-01T00:00:00Z'
  const actions = [{ name: 'rotate-passwords', value: 'autumn', takenAt }]
  expect(ages({ secrets: passwords, actions }, 'autumn')).toEqual({
    'accounts-mongodb/admin-password': at(made),
    'accounts-mongodb/app-password': at(takenAt),
    'accounts-redis/password': at(takenAt),
    'accounts-email-hash/secret': at(made),
  })
})

test('a password that is being replaced again has no age that could be wrong', () => {
  const actions = [{ name: 'rotate-passwords', value: 'winter', takenAt: '2026-11-30T00:00:00Z' }]
  expect(Object.keys(ages({ secrets: passwords, actions }, 'autumn'))).toEqual([
    'accounts-mongodb/admin-password',
    'accounts-email-hash/secret',
  ])
})

test('a Secret that the cache does not have yet has no age', () => {
  expect(ages({ secrets: passwords }, undefined, [])).toEqual({})
})
