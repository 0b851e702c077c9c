import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec, SecretStatus } from '../api/schema.ts'
import type { SecretData } from '../model/secret-data.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { issueCertificate } from '../secrets/system-sources.ts'
import { observedOf } from './observed.ts'

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'uid', generation: 1 }

function observed(secrets: SecretStatus[], ownSecrets: ReadonlyMap<string, SecretData> = new Map()) {
  const spec: AuthServiceSpec = { mongodb: {}, redis: {}, ingress: { host: 'auth.localhost' } }
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const resolved = resolveSpec(authService)
  // The input of the metrics; nothing else of a snapshot is read.
  const snapshot = { authService, resolved, children: [], ownSecrets, referencedSecrets: new Map() }
  return observedOf(snapshot as unknown as Snapshot, { secrets })
}

const active: SecretStatus = {
  name: 'accounts-keys',
  keyId: 'old',
  state: 'Active',
  createdAt: '2026-08-01T00:00:00Z',
  activateAt: '2026-08-01T00:05:00Z',
  nextRotationAt: '2026-10-30T00:05:00Z',
}

describe('the dates of the signing key', () => {
  test('are its age, and the time at which the next one becomes active', () => {
    expect(observed([active]).signingKey).toEqual({
      createdAt: new Date('2026-08-01T00:00:00Z'),
      nextRotationAt: new Date('2026-10-30T00:05:00Z'),
    })
  })

  test('during a rotation, the next one is the pending key, so that a long delay is noticed', () => {
    const { nextRotationAt: _, ...replaced } = active
    const pending: SecretStatus = {
      ...active,
      keyId: 'new',
      state: 'Pending',
      activateAt: '2026-10-30T00:05:00Z',
      nextRotationAt: '2027-01-28T00:05:00Z',
    }
    expect(observed([replaced, pending]).signingKey).toEqual({
      createdAt: new Date('2026-08-01T00:00:00Z'),
      nextRotationAt: new Date('2026-10-30T00:05:00Z'),
    })
  })

  test('are unknown if the user provides the key; a certificate that is renewed is not a signing key', () => {
    const certificate: SecretStatus = {
      name: 'accounts-edge-tls',
      keyId: 'tls.crt',
      state: 'Active',
      createdAt: '2026-08-01T00:00:00Z',
      nextRotationAt: '2027-07-01T00:00:00Z',
    }
    expect(observed([certificate]).signingKey).toEqual({ createdAt: undefined, nextRotationAt: undefined })
  })

  test('are not those of a key of second factors', () => {
    const ofFactors: SecretStatus = { ...active, name: 'accounts-mfa-keys', createdAt: '2020-01-01T00:00:00Z' }
    expect(observed([ofFactors]).signingKey).toEqual({ createdAt: undefined, nextRotationAt: undefined })
  })
})

describe('the expiry of the certificate', () => {
  test('is that of the certificate that the edge serves', async () => {
    const data = issueCertificate(['auth.localhost'], new Date('2026-01-01T00:00:00Z'))
    const expiry = observed([], new Map([['accounts-edge-tls', data]])).certificateExpiresAt
    expect(expiry).toEqual(new Date('2027-01-01T00:00:00Z'))
  })

  test('is unknown if there is none, or if it cannot be parsed', () => {
    expect(observed([]).certificateExpiresAt).toBeUndefined()
    const broken = new Map([['accounts-edge-tls', { 'tls.crt': 'not a certificate' }]])
    expect(observed([], broken).certificateExpiresAt).toBeUndefined()
  })
})
