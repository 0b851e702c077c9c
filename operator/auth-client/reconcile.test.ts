import { expect, test } from 'vitest'
import type { AuthService } from '../authservice/api/schema.ts'
import type { SecretManifest } from '../authservice/gather/cluster-reader.ts'
import { KubeError } from '../kube/errors.ts'
import type { AuthClient } from './api/schema.ts'
import { type ClientCluster, reconcileClient } from './reconcile.ts'

const now = new Date('2026-12-01T12:00:00.000Z')
// Nothing else of these objects is read.
const authService = {
  metadata: { name: 'accounts', namespace: 'shops' },
  spec: { environment: 'development', mongodb: {}, redis: {}, oidc: { enabled: true } },
} as unknown as AuthService
const clientOf = (authentication: object, status: object = {}) =>
  ({
    metadata: { name: 'shop', namespace: 'shops', uid: 'a-uid', generation: 1 },
    spec: { authServiceRef: { name: 'accounts' }, redirectUris: ['https://shop.example.com/'], authentication },
    status,
  }) as unknown as AuthClient

/** Reconciles once, with what the API server answers to the creation of a Secret. */
async function reconciled(client: AuthClient, refusal?: KubeError) {
  const done: { secret?: SecretManifest; status?: AuthClient['status']; events: string[]; error?: unknown } = {
    events: [],
  }
  const cluster: ClientCluster = {
    cachedClient: () => client,
    cachedAuthService: () => authService,
    publicationOf: () => ({ kind: 'absent' }),
    serviceAccountIssuer: () => ({ problem: 'it is not asked' }),
    expectSecret: () => {},
    readSecret: async () => undefined,
    createSecret: async (secret) => {
      if (refusal !== undefined) throw refusal
      done.secret = secret
    },
    applySecret: async () => expect.fail('there is no Secret to change'),
    deleteSecret: async () => expect.fail('there is no Secret to delete'),
    writeStatus: async (_, status) => {
      done.status = status
    },
    recordEvent: (_, { type, reason }) => void done.events.push(`${type} ${reason}`),
  }
  const context = { cluster, newSecret: () => 's'.repeat(43), loadSeconds: 120 }
  const requeue = await reconcileClient('shops/shop', context, now).catch((error: unknown) => {
    done.error = error
    return undefined
  })
  return { ...done, requeue }
}

test('a rotation in months is looked at every day, because a timer holds 24 days', async () => {
  const { requeue, status } = await reconciled(clientOf({ secret: { rotationInterval: '90d' } }))
  expect(status?.nextSecretRotationAt).toBe('2027-03-01T12:00:00Z')
  expect(requeue).toEqual({ requeueAfterMilliseconds: 86_400_000 })
})

test('a Secret that the API server rejects is reported, and tried again', async () => {
  const quota = new KubeError(403, 'Forbidden', 'exceeded quota: secrets')
  const { status, events, error } = await reconciled(clientOf({}), quota)
  expect(error).toBe(quota)
  expect(events).toEqual(['Warning SecretRefused'])
  expect(status?.conditions?.[2]).toMatchObject({ type: 'Stalled', status: 'True', reason: 'SecretRefused' })
  expect(status?.conditions?.[2]?.message).toContain('exceeded quota: secrets')
  expect(status, 'servers get no hash of a secret that does not exist').not.toHaveProperty('secretHashes')
})

test('a conflict is no state of the client', async () => {
  const { status, error } = await reconciled(clientOf({}), new KubeError(409, 'Conflict', 'created meanwhile'))
  expect(error).toBeInstanceOf(KubeError)
  expect(status).toBeUndefined()
})

test('one event says that the AuthService does not list the receiver of logout tokens', async () => {
  const asking = (status: object = {}) => {
    const client = clientOf({ method: 'None' }, status)
    return { ...client, spec: { ...client.spec, backchannelLogoutUri: 'https://shop.shops.svc/' } }
  }
  const first = await reconciled(asking())
  expect(first.events).toEqual(['Warning ReceiverNotAdmitted'])
  expect((await reconciled(asking(first.status ?? {}))).events).toEqual([])
})
