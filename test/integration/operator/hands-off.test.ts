import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { childKinds } from '../../../operator/authservice/kinds.ts'
import type { Operator } from '../../../operator/operator.ts'
import { developmentSpec, type Live, Namespace } from './namespace.ts'
import { startOperator, visitsOf } from './operator-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `hands-off-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

async function createAuthService(name: string): Promise<void> {
  await namespace.apply({ apiVersion, kind, metadata: { name }, ...{ spec: developmentSpec } })
  await expect.poll(() => namespace.get('Deployment', `${name}-blue`), { timeout: 20_000 }).toBeDefined()
}

test('suspended, it leaves edits and deletions alone and says so; set free, it mends them', async () => {
  await createAuthService('paused')
  await namespace.patch(kind, 'paused', { spec: { suspend: true } })
  await expect.poll(() => namespace.condition('paused', 'Reconciling'), { timeout: 10_000 }).toMatch(/^False Suspended/)
  expect(await namespace.condition('paused', 'Ready')).toMatch(
    /Suspended: nothing is changed until spec.suspend is false/,
  )

  const selector = async () =>
    (await namespace.get<Live & { spec: { selector: object } }>('Service', 'paused'))?.spec.selector
  // Each of them is seen by a visit of its own.
  for (const disturb of [
    () => namespace.remove('ServiceAccount', 'paused'),
    () => namespace.patch('Service', 'paused', { spec: { selector: { 'auth-operator.dev/color': 'nobody' } } }),
  ]) {
    const before = await visitsOf(operator)
    await disturb()
    await expect.poll(() => visitsOf(operator), { timeout: 10_000 }).toBeGreaterThan(before)
  }
  expect(await selector()).toMatchObject({ 'auth-operator.dev/color': 'nobody' })
  expect(await namespace.get('ServiceAccount', 'paused')).toBeUndefined()

  await namespace.patch(kind, 'paused', { spec: { suspend: false } })
  await expect.poll(selector, { timeout: 10_000 }).toMatchObject({ 'auth-operator.dev/color': 'blue' })
  await expect.poll(() => namespace.get('ServiceAccount', 'paused'), { timeout: 10_000 }).toBeDefined()
})

test('with the operator stopped an AuthService is deleted at once, and leaves nothing that the garbage collector would not take', async () => {
  await createAuthService('leaving')
  const { uid } = (await namespace.authService('leaving')).metadata
  await operator.stop()
  await namespace.remove(kind, 'leaving')
  expect(await namespace.get(kind, 'leaving')).toBeUndefined()

  const lists = await Promise.all(childKinds.map((resource) => namespace.list(resource.kind)))
  const left = lists.flat().filter(({ metadata }) => metadata.name.startsWith('leaving'))
  expect(left.length).toBeGreaterThan(10)
  for (const { metadata } of left) {
    // An object goes with its owner when it has no other one, and nothing of its own holds it.
    expect(metadata.ownerReferences, metadata.name).toEqual([expect.objectContaining({ uid })])
    expect(metadata, metadata.name).not.toHaveProperty('finalizers')
  }
})

test('a Secret of an AuthService that nothing was reported about yet keeps its values, though no cache shows it', async () => {
  await operator.stop()
  await namespace.apply({ apiVersion, kind, metadata: { name: 'cut-short' }, ...{ spec: developmentSpec } })
  const { uid } = (await namespace.authService('cut-short')).metadata
  const owner = { apiVersion, kind, name: 'cut-short', uid, controller: true }
  const data = { password: Buffer.from('in use already').toString('base64') }
  // Without the label that the cache selects by.
  const metadata = { name: 'cut-short-redis', ownerReferences: [owner] }
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata, ...{ data } })

  operator = startOperator(kubeconfigPath, namespace)
  const secret = () => namespace.get('Secret', 'cut-short-redis')
  const labels = async () => (await secret())?.metadata.labels
  await expect
    .poll(labels, { timeout: 20_000 })
    .toMatchObject({ 'app.kubernetes.io/managed-by': 'authservice-operator' })
  expect((await secret())?.['data']).toMatchObject(data)
  await expect.poll(() => namespace.get('Deployment', 'cut-short-blue'), { timeout: 20_000 }).toBeDefined()
})
