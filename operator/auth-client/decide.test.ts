import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../authservice/api/defaults.ts'
import type { AuthServiceSpec } from '../authservice/api/schema.ts'
import type { SecretManifest } from '../authservice/gather/cluster-reader.ts'
import { contentHash } from '../authservice/model/content-hash.ts'
import type { AuthClient } from './api/schema.ts'
import { entryOf } from './client-entry.ts'
import { statusOf } from './client-status.ts'
import { hashOf } from './credentials.ts'
import { credentialsSecret } from './credentials-secret.ts'
import { type ClientObservation, decide } from './decide.ts'
import type { Publication } from './publications.ts'

const now = new Date('2026-12-01T12:00:00.000Z')
const secret = 's'.repeat(43)
const resources = [{ uri: 'https://orders.example.com', scopes: ['orders:read'] }]

function clientOf(spec: object = {}, changes: Partial<AuthClient> = {}): AuthClient {
  return {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthClient',
    metadata: { name: 'shop', namespace: 'shops', uid: 'u-1', generation: 3 },
    spec: {
      authServiceRef: { name: 'accounts' },
      redirectUris: ['https://shop.example.com/callback'],
      ...spec,
    },
    ...changes,
  }
}

const resolved = (changes: Partial<AuthServiceSpec> = {}) =>
  resolveSpec({
    metadata: { name: 'accounts', namespace: 'shops' },
    spec: { mongodb: {}, redis: {}, oidc: { enabled: true }, ...changes },
  })

const secretOf = (client: AuthClient): SecretManifest =>
  credentialsSecret(client, { secret, record: { createdAt: now.toISOString() } }, 'https://auth.example.com')

function decided(client: AuthClient, changes: Partial<ClientObservation> = {}) {
  const observation = { client, authService: resolved(), secret: secretOf(client), publication, loadSeconds: 120, now }
  return decide({ ...observation, ...changes }, () => secret)
}
const publication: Publication = { kind: 'absent' }

function publishedSince(client: AuthClient, since: Date): Publication {
  const hashes = decided(client).credentials?.hashes ?? []
  return { kind: 'published', entry: contentHash(entryOf(client, hashes)), since, secrets: new Map() }
}

describe('an AuthClient', () => {
  test('is ready once servers have had time to read it', () => {
    const client = clientOf()
    expect(decided(client).outcome).toMatchObject({ kind: 'waiting', reason: 'Progressing' })
    const loading = decided(client, { publication: publishedSince(client, new Date(now.getTime() - 119_000)) })
    expect(loading).toMatchObject({ outcome: { kind: 'waiting' }, nextChangeAt: new Date(now.getTime() + 1_000) })
    const loaded = decided(client, { publication: publishedSince(client, new Date(now.getTime() - 120_000)) })
    expect(loaded.outcome).toEqual({
      kind: 'ready',
      reason: 'Ready',
      message: 'Users can log in with the client ID shops.shop. Servers read changes within two minutes.',
    })
  })

  test('that gets tokens only for itself logs no user in', () => {
    const client = clientOf({ redirectUris: undefined, grants: ['client_credentials'], resources })
    const { outcome } = decided(client, { publication: publishedSince(client, new Date(0)) })
    expect(outcome.message).toBe('The client shops.shop can get tokens. Servers read changes within two minutes.')
  })

  test('for the API of the servers themselves is refused, because they would refuse all clients', () => {
    const client = clientOf({ resources })
    const changes = { tokens: { audience: resources[0]?.uri ?? '' } }
    expect(decided(client).outcome.kind).toBe('waiting')
    expect(decided(client, { authService: resolved(changes) }).outcome).toEqual({
      kind: 'stalled',
      reason: 'Invalid',
      message:
        'Correct the spec: resources: https://orders.example.com is the audience of the AuthService itself (tokens.audience). Name an API of another URI.',
    })
  })

  test('that was ready stays so when the operator restarts, and while a change is on its way', () => {
    const ready = {
      type: 'Ready',
      status: 'True' as const,
      observedGeneration: 2,
      lastTransitionTime: '2026-11-01T00:00:00Z',
      reason: 'Ready',
      message: '',
    }
    const restarted = (status: AuthClient['status']) =>
      decided(clientOf({}, { status: { conditions: [ready], ...status } }), { publication: { kind: 'unknown' } })
    const secretHashes = [hashOf(secret)]
    expect(restarted({ observedGeneration: 3, secretHashes }).outcome.kind).toBe('ready')
    expect(restarted({ observedGeneration: 2, secretHashes }).outcome.kind, 'of an earlier spec').toBe('waiting')
    expect(restarted({ observedGeneration: 3, secretHashes: [] }).outcome.kind, 'of another secret').toBe('waiting')

    const client = clientOf({}, { status: { conditions: [ready] } })
    expect(decided(client, { publication: publishedSince(client, now) }).outcome.kind).toBe('ready')
    const changing = decided(client, {
      publication: { ...publishedSince(client, now), entry: 'earlier' } as Publication,
    })
    const status = statusOf(client, resolved(), changing, now)
    expect(status.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Ready True',
      'Reconciling True',
      'Stalled False',
    ])
    expect(status.conditions?.[0]).toMatchObject({ lastTransitionTime: '2026-11-01T00:00:00Z', observedGeneration: 3 })
  })

  test('says that its AuthService is suspended', () => {
    const { outcome } = decided(clientOf(), { authService: resolved({ suspend: true }) })
    expect(outcome.message).toMatch(/spec\.suspend is set: remove it/)
  })

  test('that has no room left is stalled', () => {
    const { outcome } = decided(clientOf(), { publication: { kind: 'refused' } })
    expect(outcome).toMatchObject({ kind: 'stalled', reason: 'TooManyClients' })
  })

  test.each<[string, Partial<ClientObservation>, object]>([
    ['AuthServiceNotFound', { authService: undefined }, {}],
    ['OpenIDConnectDisabled', { authService: resolved({ oidc: {} }) }, {}],
    ['NamespaceNotAllowed', {}, { authServiceRef: { name: 'accounts', namespace: 'auth' } }],
    ['Invalid', {}, { redirectUris: ['https://user:password@shop.example.com/'] }],
  ])('with %s keeps its Secret, and its status keeps what servers need', (reason, changes, spec) => {
    const client = clientOf(spec, { status: { secretName: 'shop-credentials', secretHashes: ['a'] } })
    const decision = decided(client, changes)
    expect(decision).toMatchObject({
      outcome: { kind: 'stalled', reason },
      credentials: undefined,
      removesSecret: false,
    })
    expect(statusOf(client, undefined, decision, now)).toMatchObject({
      clientId: 'shops.shop',
      secretName: 'shop-credentials',
      secretHashes: ['a'],
    })
  })

  test('in an admitted namespace is accepted', () => {
    const client = clientOf({ authServiceRef: { name: 'accounts', namespace: 'auth' } })
    for (const clientNamespaces of [{ from: 'All' as const }, { from: 'Names' as const, names: ['shops'] }]) {
      const authService = resolved({ oidc: { enabled: true, clientNamespaces } })
      expect(decided(client, { authService }).outcome.kind).toBe('waiting')
    }
  })

  test('adopts a Secret of its own that a backup restored, and no other', () => {
    const client = clientOf()
    const { metadata, ...rest } = secretOf(client)
    const { ownerReferences: _, ...restored } = metadata
    expect(decided(client, { secret: { ...rest, metadata: restored } }).credentials?.credentials.secret).toBe(secret)

    const { labels: __, ...unlabelled } = restored
    const owned = (uid: string) => ({
      ...restored,
      ownerReferences: [{ apiVersion: 'v1', kind: 'AuthClient', name: 'shop', uid, controller: true }],
    })
    for (const foreign of [unlabelled, owned('another')]) {
      const { outcome, credentials } = decided(client, { secret: { ...rest, metadata: foreign } })
      expect(outcome).toMatchObject({ kind: 'stalled', reason: 'SecretNotOwned' })
      expect(credentials).toBeUndefined()
    }
    const isPublic = clientOf({ authentication: { method: 'None' } })
    expect(decided(isPublic).removesSecret).toBe(true)
    expect(decided(isPublic, { secret: { ...rest, metadata: unlabelled } }).removesSecret).toBe(false)
  })
})
