import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet, untilReconciled, writesOf } from '../support/operator-under-test.ts'
import { makeEverythingAvailable, untilReady } from '../support/simulated-controllers.ts'

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
  await vi.waitFor(async () => expect(await namespace.get('Deployment', 'accounts-edge')).toBeDefined(), 40_000)
})
afterAll(() => operator.stop())

describe('a new AuthService', () => {
  test('gets every child, owned by it', async () => {
    const { uid } = (await namespace.authService('accounts')).metadata
    for (const [childKind, name] of children) {
      const owners = async () => (await namespace.get(childKind, name))?.metadata.ownerReferences
      await expect
        .poll(owners, { message: `${childKind} ${name}` })
        .toEqual([expect.objectContaining({ uid, controller: true })])
    }
  })

  test('reports what it is waiting for', async () => {
    await expect.poll(() => namespace.condition('accounts', 'MongoDBReady')).toMatch(/^False Waiting: waiting for/)
    expect(await namespace.condition('accounts', 'Reconciling')).toMatch(/^True/)
  })

  test('is ready when its pods are ready', async () => {
    await untilReady(namespace, 'accounts')
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

  test('causes no write once it is recorded, however often it is reconciled', async () => {
    await untilReady(namespace, 'accounts')
    await untilQuiet(operator)
    const before = await writesOf(operator)
    // A change of a field that the operator does not set causes a reconcile without writes.
    const touched = String(Date.now())
    await untilReconciled(operator, () =>
      namespace.patch('ConfigMap', 'accounts-edge', { metadata: { annotations: { touched } } }),
    )
    expect(await writesOf(operator)).toBe(before)
  })
})

/** Kinds and names of the children of an AuthService in development. */
const children: readonly (readonly [kind: string, name: string])[] = [
  ['ServiceAccount', 'accounts'],
  ['Secret', 'accounts-keys'],
  ['Secret', 'accounts-redis'],
  ['Secret', 'accounts-mongodb'],
  ['Secret', 'accounts-edge-secret'],
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
  ])('an edit of %s %s is reverted and reported', async (childKind, name, edit, read) => {
    const before = await namespace.get(childKind, name)
    if (before === undefined) throw new Error(`${childKind} ${name} is missing`)
    await namespace.patch(childKind, name, edit)
    await expect
      .poll(async () => read((await namespace.get(childKind, name)) ?? before), { interval: 50 })
      .toEqual(read(before))
    await expect
      .poll(() => namespace.events('accounts'))
      .toContainEqual(
        expect.stringMatching(new RegExp(`^Normal DriftCorrected: ${childKind} ${name}: .* a-user changed`)),
      )
  })

  test('a count that another client sets is reverted', async () => {
    await namespace.patch('Deployment', 'accounts-blue', { spec: { replicas: 5 } })
    const count = async () =>
      (await namespace.get<{ spec: { replicas: number } }>('Deployment', 'accounts-blue'))?.spec.replicas
    await expect.poll(count, { interval: 50 }).toBe(1)
  })

  test.each(children.filter(([childKind]) => childKind !== 'Secret'))(
    '%s %s comes back after it is deleted',
    async (childKind, name) => {
      const before = await namespace.get(childKind, name)
      const told = new Set(await namespace.events('accounts'))
      await namespace.remove(childKind, name)
      await expect
        .poll(async () => (await namespace.get(childKind, name))?.metadata.uid, { interval: 50 })
        .not.toSatisfy((uid) => uid === undefined || uid === before?.metadata.uid)
      await expect
        .poll(async () => (await namespace.events('accounts')).filter((event) => !told.has(event)))
        .toContainEqual(expect.stringMatching(new RegExp(`^Normal Created: .*${childKind} ${name}\\b`)))
    },
  )

  test.each([
    ['Service', 'accounts'],
    ['Secret', 'accounts-keys'],
  ])('the removed owner of %s %s is restored, and its content is kept', async (childKind, name) => {
    const before = await namespace.get(childKind, name)
    await namespace.patch(childKind, name, { metadata: { ownerReferences: null } })
    await expect
      .poll(async () => (await namespace.get(childKind, name))?.metadata.ownerReferences)
      .toEqual(before?.metadata.ownerReferences)
    const after = await namespace.get(childKind, name)
    expect([after?.metadata.uid, after?.['data']]).toEqual([before?.metadata.uid, before?.['data']])
  })

  test('a Secret that loses the label by which it is found keeps its content', async () => {
    const before = await namespace.get<Live & { data: object }>('Secret', 'accounts-keys')
    await namespace.patch('Secret', 'accounts-keys', { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } })
    await expect
      .poll(async () => (await namespace.get('Secret', 'accounts-keys'))?.metadata.labels)
      .toEqual(before?.metadata.labels)
    expect((await namespace.get<Live & { data: object }>('Secret', 'accounts-keys'))?.data).toEqual(before?.data)
  })
})

describe('a change of the spec', () => {
  test('is applied to the children, and status has the new generation', async () => {
    await untilReady(namespace, 'accounts')
    await namespace.apply(authService('accounts', { replicas: 2 }))
    await expect
      .poll(
        async () => (await namespace.get<{ spec: { replicas: number } }>('Deployment', 'accounts-blue'))?.spec.replicas,
      )
      .toBe(2)
    // Ready stays True while a count increases, so it does not show whether the new pod exists.
    await expect
      .poll(
        async () => {
          await makeEverythingAvailable(namespace)
          return (await namespace.authService('accounts')).status
        },
        { timeout: 40_000, interval: 200 },
      )
      .toMatchObject({ observedGeneration: 2, replicas: 2, readyReplicas: 2 })
    expect(await namespace.condition('accounts', 'Ready')).toMatch(/^True/)
  })

  test('does not change passwords and keys', async () => {
    const versions = async () =>
      (await namespace.list('Secret')).map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
    const before = await versions()
    await namespace.apply(authService('accounts', { rateLimits: { login: '7/m' } }))
    await expect.poll(async () => JSON.stringify(await namespace.get('ConfigMap', 'accounts-edge'))).toContain('7r/m')
    await untilQuiet(operator)
    expect(await versions()).toEqual(before)
  })

  test('prunes children that are no longer desired', async () => {
    await namespace.apply(authService('accounts', { ingress: { type: 'None' } }))
    await expect
      .poll(async () => [
        await namespace.get('Deployment', 'accounts-edge'),
        await namespace.get('Service', 'accounts-edge'),
      ])
      .toEqual([undefined, undefined])
    await expect
      .poll(() => namespace.events('accounts'))
      .toContainEqual(expect.stringMatching(/^Normal Pruned: .*Deployment accounts-edge/))
    expect(await namespace.get('Deployment', 'accounts-blue')).toBeDefined()
  })
})
