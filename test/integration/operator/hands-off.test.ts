import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { childKinds } from '../../../operator/authservice/model/kinds.ts'
import type { Operator } from '../../../operator/operator.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilReconciled } from '../support/operator-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `hands-off-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

async function createAuthService(name: string): Promise<void> {
  await namespace.apply(authServiceManifest(name))
  await expect.poll(() => namespace.get('Deployment', `${name}-blue`)).toBeDefined()
}

test('while suspended, it ignores edits and deletions and reports this; when resumed, it repairs them', async () => {
  await createAuthService('paused')
  await namespace.patch(kind, 'paused', { spec: { suspend: true } })
  await expect.poll(() => namespace.condition('paused', 'Reconciling')).toMatch(/^False Suspended/)
  expect(await namespace.condition('paused', 'Ready')).toMatch(
    /Suspended: the operator changes nothing until spec.suspend is false/,
  )

  const selector = async () =>
    (await namespace.get<Live & { spec: { selector: object } }>('Service', 'paused'))?.spec.selector
  // Each of them starts a separate reconcile.
  for (const disturb of [
    () => namespace.remove('ServiceAccount', 'paused'),
    () => namespace.patch('Service', 'paused', { spec: { selector: { 'auth-operator.dev/color': 'nobody' } } }),
  ])
    await untilReconciled(operator, disturb)
  expect(await selector()).toMatchObject({ 'auth-operator.dev/color': 'nobody' })
  expect(await namespace.get('ServiceAccount', 'paused')).toBeUndefined()

  await namespace.patch(kind, 'paused', { spec: { suspend: false } })
  await expect.poll(selector).toMatchObject({ 'auth-operator.dev/color': 'blue' })
  await expect.poll(() => namespace.get('ServiceAccount', 'paused')).toBeDefined()
})

test('while the operator is stopped, an AuthService is deleted immediately, and leaves nothing that the garbage collector would not delete', async () => {
  await createAuthService('leaving')
  const { uid } = (await namespace.authService('leaving')).metadata
  await operator.stop()
  await namespace.remove(kind, 'leaving')
  expect(await namespace.get(kind, 'leaving')).toBeUndefined()

  const lists = await Promise.all(childKinds.map((resource) => namespace.list(resource.kind)))
  const left = lists.flat().filter(({ metadata }) => metadata.name.startsWith('leaving'))
  expect(left.length).toBeGreaterThan(10)
  for (const { metadata } of left) {
    // The garbage collector deletes an object with its owner if it has no other owner and no finalizer.
    expect(metadata.ownerReferences, metadata.name).toEqual([expect.objectContaining({ uid })])
    expect(metadata, metadata.name).not.toHaveProperty('finalizers')
  }
})

test('a Secret of an AuthService without a status keeps its values, although no cache contains it', async () => {
  await operator.stop()
  await namespace.apply(authServiceManifest('cut-short'))
  const { uid } = (await namespace.authService('cut-short')).metadata
  const owner = { apiVersion, kind, name: 'cut-short', uid, controller: true }
  const data = { password: Buffer.from('in use already').toString('base64') }
  // Without the label by which the cache selects.
  const metadata = { name: 'cut-short-redis', ownerReferences: [owner] }
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata, data })

  operator = startOperator(kubeconfigPath, namespace)
  const secret = () => namespace.get('Secret', 'cut-short-redis')
  const labels = async () => (await secret())?.metadata.labels
  await expect.poll(labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'authservice-operator' })
  expect((await secret())?.['data']).toMatchObject(data)
  await expect.poll(() => namespace.get('Deployment', 'cut-short-blue')).toBeDefined()
})
