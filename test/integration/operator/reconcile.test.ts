import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { type Live, Namespace } from './namespace.ts'
import { startOperator, untilQuiet, visitsOf, writesOf } from './operator-under-test.ts'
import { makeEverythingAvailable } from './simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

const authService = (name: string, spec: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name },
  spec: {
    environment: 'development',
    mongodb: { managed: {} },
    redis: { managed: {} },
    ingress: { type: 'Nginx', host: `${name}.localhost`, nginx: { serviceType: 'ClusterIP' } },
    ...spec,
  },
})

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `reconcile-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
  await namespace.apply(authService('accounts'))
  await vi.waitFor(async () => expect(await namespace.get('Deployment', 'accounts-edge')).toBeDefined(), 20_000)
})
afterAll(() => operator.stop())

/** Makes everything available until the AuthService says Ready. */
async function untilReady(name: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await makeEverythingAvailable(namespace)
        return namespace.condition(name, 'Ready')
      },
      { timeout: 20_000, interval: 200, message: `condition Ready of ${name}` },
    )
    .toMatch(/^True/)
}

describe('a new AuthService', () => {
  test('gets every child, owned by it', async () => {
    const { uid } = (await namespace.authService('accounts')).metadata
    for (const [childKind, name] of children) {
      const child = await namespace.get(childKind, name)
      expect(child?.metadata.ownerReferences, `${childKind} ${name}`).toEqual([
        expect.objectContaining({ uid, controller: true }),
      ])
    }
  })

  test('says what it waits for', async () => {
    await expect
      .poll(() => namespace.condition('accounts', 'MongoDBReady'), { timeout: 10_000 })
      .toMatch(/^False Waiting: waiting for/)
    expect(await namespace.condition('accounts', 'Reconciling')).toMatch(/^True/)
  })

  test('is ready when its pods are', async () => {
    await untilReady('accounts')
    const { status } = await namespace.authService('accounts')
    expect(status).toMatchObject({
      phase: 'Ready',
      observedGeneration: 1,
      activeColor: 'blue',
      replicas: 1,
      endpoint: 'https://accounts.localhost',
    })
    expect(await namespace.condition('accounts', 'Reconciling')).toMatch(/^False/)
    expect(await namespace.condition('accounts', 'Stalled')).toMatch(/^False/)
  })

  test('costs no write once it is settled, however often it is looked at', async () => {
    await untilReady('accounts')
    await untilQuiet(operator, 20_000)
    const before = { writes: await writesOf(operator), visits: await visitsOf(operator) }
    // A child that is touched in a field that nobody wants makes the operator look, and find nothing to do.
    await namespace.patch('ConfigMap', 'accounts-edge', { metadata: { annotations: { touched: String(Date.now()) } } })
    await expect.poll(() => visitsOf(operator), { timeout: 10_000 }).toBeGreaterThan(before.visits)
    await untilQuiet(operator, 20_000)
    expect(await writesOf(operator)).toBe(before.writes)
  })
})

/** Kinds and names of what an AuthService in development has. */
const children: readonly (readonly [kind: string, name: string])[] = [
  ['ServiceAccount', 'accounts'],
  ['Secret', 'accounts-keys'],
  ['Secret', 'accounts-redis'],
  ['Secret', 'accounts-mongodb'],
  ['Secret', 'accounts-email-hash'],
  ['Secret', 'accounts-edge-tls'],
  ['Service', 'accounts'],
  ['Service', 'accounts-metrics'],
  ['Service', 'accounts-redis'],
  ['Service', 'accounts-mongodb'],
  ['Service', 'accounts-edge'],
  ['StatefulSet', 'accounts-redis'],
  ['StatefulSet', 'accounts-mongodb'],
  ['Deployment', 'accounts-blue'],
  ['Deployment', 'accounts-edge'],
  ['ConfigMap', 'accounts-edge'],
]

describe('drift', () => {
  test.each<[kind: string, name: string, edit: object, read: (child: Live) => unknown]>([
    ['Service', 'accounts', { spec: { selector: { 'auth-operator.dev/color': 'nobody' } } }, (live) => live['spec']],
    ['ConfigMap', 'accounts-edge', { data: { 'nginx.conf': 'events {}' } }, (live) => live['data']],
    [
      'Deployment',
      'accounts-edge',
      { spec: { replicas: 7 } },
      (live) => (live['spec'] as { replicas: number }).replicas,
    ],
    [
      'Deployment',
      'accounts-blue',
      { spec: { minReadySeconds: 77 } },
      (live) => (live['spec'] as { minReadySeconds: number }).minReadySeconds,
    ],
    [
      'StatefulSet',
      'accounts-redis',
      { spec: { replicas: 0 } },
      (live) => (live['spec'] as { replicas: number }).replicas,
    ],
    [
      'ServiceAccount',
      'accounts',
      { automountServiceAccountToken: true },
      (live) => live['automountServiceAccountToken'],
    ],
    [
      'Secret',
      'accounts-redis',
      { metadata: { labels: { 'app.kubernetes.io/part-of': 'x' } } },
      (live) => live.metadata.labels,
    ],
  ])('an edit of %s %s is put back, and said', async (childKind, name, edit, read) => {
    const before = await namespace.get(childKind, name)
    if (before === undefined) throw new Error(`${childKind} ${name} is missing`)
    await namespace.patch(childKind, name, edit)
    await expect
      .poll(async () => read((await namespace.get(childKind, name)) ?? before), { timeout: 5_000, interval: 50 })
      .toEqual(read(before))
    await expect
      .poll(() => namespace.events('accounts'), { timeout: 5_000 })
      .toContainEqual(
        expect.stringMatching(new RegExp(`^Normal DriftCorrected: ${childKind} ${name}: .* a-user changed`)),
      )
  })

  test('a count that somebody else set is put back', async () => {
    await namespace.patch('Deployment', 'accounts-blue', { spec: { replicas: 5 } })
    const count = async () =>
      (await namespace.get<{ spec: { replicas: number } }>('Deployment', 'accounts-blue'))?.spec.replicas
    await expect.poll(count, { timeout: 5_000, interval: 50 }).toBe(1)
  })

  test.each(children.filter(([childKind]) => childKind !== 'Secret'))(
    '%s %s comes back after it is deleted',
    async (childKind, name) => {
      const before = await namespace.get(childKind, name)
      await namespace.remove(childKind, name)
      await expect
        .poll(async () => (await namespace.get(childKind, name))?.metadata.uid, { timeout: 5_000, interval: 50 })
        .not.toSatisfy((uid) => uid === undefined || uid === before?.metadata.uid)
      await expect
        .poll(() => namespace.events('accounts'), { timeout: 5_000 })
        .toContainEqual(expect.stringMatching(new RegExp(`^Normal Created: .*${childKind} ${name}`)))
    },
  )

  test.each([
    ['Service', 'accounts'],
    ['Secret', 'accounts-keys'],
  ])('%s %s is owned again after somebody took its owner away, and keeps its content', async (childKind, name) => {
    const before = await namespace.get(childKind, name)
    await namespace.patch(childKind, name, { metadata: { ownerReferences: null } })
    await expect
      .poll(async () => (await namespace.get(childKind, name))?.metadata.ownerReferences, { timeout: 5_000 })
      .toEqual(before?.metadata.ownerReferences)
    const after = await namespace.get(childKind, name)
    expect([after?.metadata.uid, after?.['data']]).toEqual([before?.metadata.uid, before?.['data']])
  })

  test('a Secret that loses the label it is found by keeps its content', async () => {
    const before = await namespace.get<Live & { data: object }>('Secret', 'accounts-keys')
    await namespace.patch('Secret', 'accounts-keys', { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } })
    await expect
      .poll(async () => (await namespace.get('Secret', 'accounts-keys'))?.metadata.labels, { timeout: 5_000 })
      .toEqual(before?.metadata.labels)
    expect((await namespace.get<Live & { data: object }>('Secret', 'accounts-keys'))?.data).toEqual(before?.data)
  })
})

describe('a change of the spec', () => {
  test('reaches the children, and status speaks of the new generation', async () => {
    await untilReady('accounts')
    await namespace.apply(authService('accounts', { replicas: 2 }))
    await expect
      .poll(
        async () => (await namespace.get<{ spec: { replicas: number } }>('Deployment', 'accounts-blue'))?.spec.replicas,
      )
      .toBe(2)
    await untilReady('accounts')
    expect((await namespace.authService('accounts')).status).toMatchObject({ observedGeneration: 2, replicas: 2 })
  })

  test('does not touch passwords and keys', async () => {
    const versions = async () =>
      (await namespace.list('Secret')).map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
    const before = await versions()
    await namespace.apply(authService('accounts', { rateLimits: { login: '7/m' } }))
    await expect.poll(async () => JSON.stringify(await namespace.get('ConfigMap', 'accounts-edge'))).toContain('7r/m')
    expect(await versions()).toEqual(before)
  })

  test('prunes what is no longer asked for', async () => {
    await namespace.apply(authService('accounts', { ingress: { type: 'None' } }))
    await expect
      .poll(async () => [
        await namespace.get('Deployment', 'accounts-edge'),
        await namespace.get('Service', 'accounts-edge'),
      ])
      .toEqual([undefined, undefined])
    expect(await namespace.get('Deployment', 'accounts-blue')).toBeDefined()
    await expect
      .poll(() => namespace.events('accounts'))
      .toContainEqual(expect.stringMatching(/^Normal Pruned: .*Deployment accounts-edge/))
  })
})
