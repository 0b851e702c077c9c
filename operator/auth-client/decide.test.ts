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
import { type ClientObservation, decide, type ObservedIssuer } from './decide.ts'
import type { Publication, Published } from './publications.ts'

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
  const observation = {
    client,
    authService: resolved(),
    secret: secretOf(client),
    publication,
    issuer,
    loadSeconds: 120,
    now,
  }
  return decide({ ...observation, ...changes }, () => secret)
}
const publication: Publication = { kind: 'absent' }
const issuer: ObservedIssuer = { issuer: 'https://kubernetes.default.svc' }

/** One ready server has loaded the client, unless the changes say something else. */
function published(client: AuthClient, changes: Partial<Published> = {}): Published {
  const tokenRules = { issuer: 'https://kubernetes.default.svc', audience: resolved().tokens.issuer }
  const entry = contentHash(entryOf(client, decided(client).credentials?.hashes ?? [], { tokenRules, receivers: [] }))
  return { kind: 'published', entry, since: now, servers: 1, without: [], isUnreported: false, ...changes }
}

describe('an AuthClient', () => {
  test('is ready once every ready server reports that it has loaded it', () => {
    const client = clientOf()
    expect(decided(client).outcome).toMatchObject({ kind: 'waiting', reason: 'Progressing' })
    const waiting = (changes: Partial<Published>) => {
      const { outcome } = decided(client, { publication: published(client, { since: new Date(0), ...changes }) })
      return `${outcome.kind}: ${outcome.message}`
    }
    expect(waiting({ servers: 0 })).toBe('waiting: No server of the AuthService is ready.')
    expect(waiting({ servers: 3, without: ['accounts-blue-a', 'accounts-blue-b'] })).toBe(
      'waiting: 2 of 3 servers have not loaded it yet: accounts-blue-a.',
    )
    expect(waiting({ entry: 'earlier' })).toMatch(/^waiting: The AuthService has not handed the client/)
    expect(decided(client, { publication: published(client) }).outcome).toEqual({
      kind: 'ready',
      reason: 'Ready',
      message: 'Users can log in with the client ID shops.shop.',
    })
  })

  test('of servers that do not report what they have loaded is ready after two minutes', () => {
    const client = clientOf()
    const after = (seconds: number, without: string[] = []) => {
      const since = new Date(now.getTime() - seconds * 1_000)
      return decided(client, { publication: published(client, { since, without, isUnreported: true }) })
    }
    expect(after(119)).toMatchObject({ outcome: { kind: 'waiting' }, nextChangeAt: new Date(now.getTime() + 1_000) })
    expect(after(120).outcome.kind).toBe('ready')
    expect(after(120, ['accounts-blue-a']).outcome.kind, 'and another one reports an earlier file').toBe('waiting')
  })

  test('gets its next secret once every server reports that it accepts it', () => {
    const client = clientOf()
    const next = 'n'.repeat(43)
    const issuer = 'https://auth.example.com'
    const rotating = credentialsSecret(client, { secret, next, record: { createdAt: now.toISOString() } }, issuer)
    const secretAfter = (changes: Partial<Published>) => {
      const entry = contentHash(entryOf(client, [hashOf(secret), hashOf(next)]))
      const publication = published(client, { entry, ...changes })
      return decided(client, { secret: rotating, publication }).credentials?.credentials.secret
    }
    expect(secretAfter({ without: ['accounts-blue-a'] })).toBe(secret)
    expect(secretAfter({ entry: contentHash(entryOf(client, [hashOf(secret)])) })).toBe(secret)
    expect(secretAfter({ servers: 0 })).toBe(secret)
    expect(secretAfter({ isUnreported: true })).toBe(secret)
    expect(secretAfter({})).toBe(next)
  })

  test('that gets tokens only for itself logs no user in', () => {
    const client = clientOf({ redirectUris: undefined, grants: ['client_credentials'], resources })
    const { outcome } = decided(client, { publication: published(client) })
    expect(outcome.message).toBe('The client shops.shop can get tokens.')
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

    const settled = clientOf({}, { status: { conditions: [ready], observedGeneration: 3, secretHashes } })
    const unknown = { isUnreported: true, without: ['accounts-blue-new'] }
    expect(decided(settled, { publication: published(settled, unknown) }).outcome.kind, 'a new pod').toBe('ready')

    const client = clientOf({}, { status: { conditions: [ready] } })
    const changing = decided(client, { publication: published(client, { without: ['accounts-blue-a'] }) })
    const status = statusOf(client, resolved(), changing, now)
    expect(status.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Ready True',
      'Reconciling True',
      'Stalled False',
    ])
    expect(status.conditions?.[0]).toMatchObject({ lastTransitionTime: '2026-11-01T00:00:00Z', observedGeneration: 3 })
  })

  test('with a ServiceAccount waits until it is known who issues its tokens', () => {
    const client = clientOf({ authentication: { method: 'ServiceAccount', serviceAccount: { names: ['shop'] } } })
    const absent = { secret: undefined, publication: published(client) }
    expect(decided(client, { ...absent, issuer: { problem: 'it is forbidden' } }).outcome).toEqual({
      kind: 'waiting',
      reason: 'IssuerUnknown',
      message:
        'The operator cannot read from the API server who issues the tokens of ServiceAccounts: it is forbidden.',
    })
    expect(decided(client, absent)).toMatchObject({ outcome: { kind: 'ready' }, credentials: undefined })
    const moved = { ...absent, issuer: { issuer: 'https://another.example.com' } }
    expect(decided(client, moved).outcome.kind, 'for another issuer').toBe('waiting')
  })

  test('says that its AuthService is suspended', () => {
    const { outcome } = decided(clientOf(), { authService: resolved({ suspend: true }) })
    expect(outcome.message).toMatch(/spec\.suspend is set: remove it/)
  })

  test('says whether servers tell it of ended sessions, and stays ready if they do not', () => {
    const client = clientOf({ backchannelLogoutUri: 'https://shop.shops.svc/logout' })
    const conditionWith = (receivers?: { host: string; port?: number }[]) => {
      const oidc = { enabled: true, ...(receivers !== undefined && { backchannelLogout: { receivers } }) }
      const authService = resolved({ oidc })
      const decision = decided(client, { authService, publication: published(client) })
      const status = statusOf(client, authService, decision, now)
      const of = (type: string) => status.conditions?.find((condition) => condition.type === type)
      return { ready: of('Ready')?.status, logout: of('BackchannelLogout') }
    }
    const listed = conditionWith([{ host: 'shop.shops.svc' }])
    expect(listed.logout).toMatchObject({ status: 'True', reason: 'ReceiverAdmitted' })
    expect(listed.ready, 'servers do not have the URI yet').toBe('False')
    for (const receivers of [undefined, [], [{ host: 'shop.shops.svc', port: 8443 }]]) {
      const { ready, logout } = conditionWith(receivers)
      expect(ready).toBe('True')
      expect(logout).toMatchObject({ status: 'False', reason: 'ReceiverNotAdmitted' })
      expect(logout?.message).toContain(
        'AuthService shops/accounts does not list shop.shops.svc, port 443. Add both to oidc.backchannelLogout.receivers',
      )
    }
    const without = statusOf(clientOf(), resolved(), decided(clientOf()), now)
    expect(without.conditions?.map(({ type }) => type)).not.toContain('BackchannelLogout')
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
