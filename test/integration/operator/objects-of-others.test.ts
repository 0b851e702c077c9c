import { randomUUID } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { kubeConfigAt } from '../support/kube-api.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperatorProcess } from '../support/operator-process.ts'

const { kubeconfigPath } = inject('apiServer')

const managedBy = { 'app.kubernetes.io/managed-by': 'authservice-operator' }
/** The maximum size of a ConfigMap is 1 MiB. */
const huge = { filler: 'x'.repeat(900_000) }
const configMap = (name: string, metadata: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data: huge,
})
const ownedBy = (owner: Live) => [
  {
    apiVersion: owner.apiVersion ?? 'v1',
    kind: owner.kind ?? 'ConfigMap',
    controller: true,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
  },
]

/** As many owners, none of them a controller, as fit into an object of 0.9 MB. */
const manyOwners = () =>
  Array.from({ length: 2_800 }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: `${'o'.repeat(220)}${index}`,
    uid: randomUUID(),
  }))
const manyLabels = Object.fromEntries(
  Array.from({ length: 6_000 }, (_, index) => [`app.kubernetes.io/${'k'.repeat(50)}${index}`, 'v'.repeat(60)]),
)

/** Runs the work for each item, four at a time: the objects are large, and the API server handles them slowly. */
async function concurrently<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: 4 }, worker))
}

test('more than 100 MB of objects with only owners or labels, with any controller, do not crash an operator with 64 MB', {
  timeout: 300_000,
}, async () => {
  const namespace = await Namespace.create(kubeconfigPath, `owners-${Date.now()}`)
  await namespace.apply(authServiceManifest('accounts'))
  const authService = { ...(await namespace.authService('accounts')), kind, apiVersion } as unknown as Live
  const of = (instance: string) => ({ ...managedBy, 'app.kubernetes.io/instance': instance })
  const control = (uid: string) => [{ apiVersion, kind, name: 'accounts', uid, controller: true }]
  const groups: [string, number, object][] = [
    ['of-nothing', 50, { labels: of('nothing'), ownerReferences: manyOwners() }],
    ['orphan', 40, { labels: of('accounts'), ownerReferences: manyOwners() }],
    ['child', 40, { labels: of('accounts'), ownerReferences: [...ownedBy(authService), ...manyOwners()] }],
    ['labels', 20, { labels: { ...manyLabels, ...of('accounts') } }],
    ['long-uid', 30, { labels: of('accounts'), ownerReferences: control('u'.repeat(900_000)) }],
  ]
  const configMaps = groups.flatMap(([name, count, metadata]) =>
    Array.from({ length: count }, (_, index) => ({ ...configMap(`${name}-${index}`, metadata), data: {} })),
  )
  await concurrently(configMaps, (manifest) => namespace.create(manifest))
  const pod = { containers: [{ name: 'one', image: 'registry.example.com/one' }] }
  const pods = Array.from({ length: 30 }, (_, index) => {
    const metadata = { name: `pod-${index}`, labels: { ...manyLabels, ...of('accounts') } }
    return { apiVersion: 'v1', kind: 'Pod', metadata, spec: pod }
  })
  await concurrently(pods, (manifest) => namespace.create(manifest))

  const heap = ['--max-old-space-size=64', '--max-semi-space-size=4']
  const operator = await startOperatorProcess(kubeConfigAt(kubeconfigPath), namespace.name, heap)
  try {
    const isMade = async () => ((await namespace.get('Deployment', 'accounts-blue')) ? 'made' : operator.output())
    await expect.poll(isMade, { timeout: 120_000 }).toBe('made')
    const children = async () =>
      (await namespace.list('ConfigMap')).filter(({ metadata }) => /^child/.test(metadata.name))
    await expect.poll(children, { timeout: 120_000 }).toEqual([]) // no spec requires them
    expect(operator.output()).not.toMatch(/heap|out of memory/)
    for (const name of ['of-nothing-0', 'orphan-0', 'labels-0', 'long-uid-0'])
      expect(await namespace.get('ConfigMap', name), name).toBeDefined()
  } finally {
    await operator.stop()
  }
})

test('135 MB of objects with the label of the operator and owners of all kinds do not crash an operator with 64 MB', {
  timeout: 300_000,
}, async () => {
  const namespace = await Namespace.create(kubeconfigPath, `huge-${Date.now()}`)
  await namespace.apply(authServiceManifest('accounts'))
  const authService = await namespace.authService('accounts')
  await namespace.apply({ ...configMap('owner', {}), data: {} })
  const owner = await namespace.get('ConfigMap', 'owner')
  if (owner === undefined) throw new Error('it was just made')
  const dead = { ...ownedBy(authService as unknown as Live)[0], uid: '00000000-0000-0000-0000-000000000000' }
  const ofAnother = { ...managedBy, 'app.kubernetes.io/instance': 'another' }
  const foreign = [
    ...Array.from({ length: 110 }, (_, index) => ({ name: `foreign-${index}`, ownerReferences: ownedBy(owner) })),
    ...Array.from({ length: 20 }, (_, index) => ({ name: `dead-${index}`, ownerReferences: [dead] })),
    ...Array.from({ length: 19 }, (_, index) => ({ name: `free-${index}`, labels: ofAnother })),
  ]
  await concurrently(foreign, ({ name, ...metadata }) =>
    namespace.apply(configMap(name, { labels: managedBy, ...metadata })),
  )
  // A child with much added content must not crash it, and the rest of the child must stay known.
  const filled = {
    labels: managedBy,
    ownerReferences: ownedBy({ ...authService, kind, apiVersion } as unknown as Live),
  }
  const password = Buffer.from('in use already').toString('base64')
  const filler = Buffer.from(huge.filler).toString('base64').slice(0, 900_000)
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'accounts-redis', ...filled },
    data: { password, filler },
  })

  const heap = ['--max-old-space-size=64', '--max-semi-space-size=4']
  const operator = await startOperatorProcess(kubeConfigAt(kubeconfigPath), namespace.name, heap)
  try {
    const isMade = async () => ((await namespace.get('Deployment', 'accounts-blue')) ? 'made' : operator.output())
    await expect.poll(isMade, { timeout: 60_000 }).toBe('made')
    // The watch must handle them as well.
    await concurrently(foreign.slice(0, 60), ({ name, ...metadata }) => {
      const changed = { ...metadata, annotations: { changed: 'once' } }
      return namespace.apply(configMap(name, { labels: managedBy, ...changed }))
    })
    await namespace.remove('Service', 'accounts')
    await expect.poll(() => namespace.get('Service', 'accounts'), { timeout: 60_000 }).toBeDefined()
    expect(operator.output()).not.toMatch(/heap|out of memory/)
    expect((await namespace.get('Secret', 'accounts-redis'))?.['data']).toMatchObject({ password })
    for (const { name } of foreign) expect(await namespace.get('ConfigMap', name), name).toBeDefined()
  } finally {
    await operator.stop()
  }
})
