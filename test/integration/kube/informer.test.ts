import { afterEach, beforeAll, expect, inject, test } from 'vitest'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Informer, type InformerOptions } from '../../../operator/kube/informer.ts'
import type { Change } from '../../../operator/kube/object-cache.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import { ApiProxy, type Fault } from '../support/api-proxy.ts'
import { apiClient, type ConfigMap, configMap, configMaps, makeNamespace, RecordingLog } from '../support/kube-api.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const client = apiClient()
const log = new RecordingLog()
const running: { stop(): Promise<void> }[] = []
let count = 0
let namespace = ''

beforeAll(async () => {
  namespace = await makeNamespace('informer-test')
})

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

/** An informer of the ConfigMaps with a label of this test. */
function watched(options: Partial<InformerOptions<ConfigMap>> = {}) {
  const label = `test-${count++}`
  const lists: number[] = []
  const changes: string[] = []
  const informer = new Informer<ConfigMap>({
    client,
    resource: configMaps,
    namespace,
    labelSelector: `test=${label}`,
    log,
    onList: () => lists.push(performance.now()),
    backoff: { baseMilliseconds: 20, mostMilliseconds: 200 },
    ...options,
  })
  informer.onChange((change: Change<ConfigMap>) => changes.push(`${change.type} ${change.object.metadata.name}`))
  running.push(informer)
  const object = (name: string, data: Record<string, string> = {}): ConfigMap => {
    const plain = configMap(namespace, `${label}-${name}`, data)
    return { ...plain, metadata: { ...plain.metadata, labels: { test: label } } }
  }
  const names = () =>
    informer
      .list()
      .map(({ metadata }) => metadata.name.replace(`${label}-`, ''))
      .sort()
  const seen = () => changes.map((change) => change.replace(`${label}-`, ''))
  return { informer, object, names, seen, lists }
}

test('a list of many pages is complete', async () => {
  const { informer, object, names } = watched({ pageSize: 7 })
  const wanted = Array.from({ length: 30 }, (_, index) => `n${String(index).padStart(2, '0')}`)
  await Promise.all(wanted.map((name) => client.create(configMaps, object(name))))
  informer.start()
  await informer.synced
  expect(names()).toEqual(wanted)
})

test('changes arrive in order', async () => {
  const { informer, object, seen } = watched()
  informer.start()
  await informer.synced
  await client.create(configMaps, object('a'))
  await client.apply(configMaps, object('a', { x: '1' }))
  await client.delete(configMaps, object('a').metadata)
  await expect.poll(seen).toEqual(['added a', 'updated a', 'deleted a'])
})

test('changes while the watch is interrupted are seen afterwards, without a new list', async () => {
  const proxy = await TcpProxy.to(inject('apiServer').port)
  const { informer, object, names, lists } = watched({ client: apiClient(proxy.port) })
  informer.start()
  await informer.synced
  await client.create(configMaps, object('a'))
  await expect.poll(names).toEqual(['a'])
  for (const name of ['b', 'c', 'd']) {
    proxy.cut()
    await client.create(configMaps, object(name))
  }
  await expect.poll(names).toEqual(['a', 'b', 'c', 'd'])
  expect(lists).toHaveLength(1)
  await informer.stop()
  await proxy.close()
})

test.each<[string, Fault]>([
  ['away', { kind: 'cut' }],
  ['one that ends each watch at once', { kind: 'empty' }],
])('while the API server is %s, a watch retries less and less often', async (_, fault) => {
  const proxy = await ApiProxy.inFrontOf(inject('apiServer').port)
  const transport = new Transport(proxy.configFrom(inject('apiServer').kubeconfigPath), 'kube-test')
  const { informer, object, names } = watched({
    client: new KubeClient(transport, 'kube-test'),
    backoff: { baseMilliseconds: 20, mostMilliseconds: 60_000 },
  })
  informer.start()
  await informer.synced
  proxy.fault = () => fault
  const before = proxy.requests.length
  proxy.cut()
  await client.create(configMaps, object('a'))
  await new Promise((passed) => setTimeout(passed, 2_000))
  // After 20, 40, 80, … milliseconds; without backoff, there would be 100 requests.
  expect(proxy.requests.length - before).toBeLessThan(15)
  expect(proxy.requests.length - before).toBeGreaterThan(3)

  proxy.heal()
  await expect.poll(names).toEqual(['a'])
  await informer.stop()
  await proxy.close()
})

test('an object that is deleted and recreated in a gap is two changes', async () => {
  const proxy = await TcpProxy.to(inject('apiServer').port)
  const { informer, object, seen } = watched({ client: apiClient(proxy.port) })
  await client.create(configMaps, object('a'))
  informer.start()
  await informer.synced
  proxy.cut()
  await client.delete(configMaps, object('a').metadata)
  await client.create(configMaps, object('a'))
  await expect.poll(seen).toEqual(['added a', 'deleted a', 'added a'])
  await informer.stop()
  await proxy.close()
})

test('the result of a write is in the cache immediately, unless the watch has delivered a later state', async () => {
  const { informer, object } = watched()
  await client.create(configMaps, object('a'))
  informer.start()
  await informer.synced
  const data = () => informer.list()[0]?.data
  const late = await client.apply(configMaps, object('a', { x: 'mine' }))
  await client.apply(configMaps, object('a', { x: 'later' }))
  await expect.poll(data).toEqual({ x: 'later' })
  informer.observeWrite(late)
  expect(data()).toEqual({ x: 'later' })

  await informer.stop()
  informer.observeWrite(await client.apply(configMaps, object('a', { x: 'newest' })))
  expect(data()).toEqual({ x: 'newest' })
})

test('objects that a late read finds join the cache, except those that are deleted meanwhile', async () => {
  const proxy = await ApiProxy.inFrontOf(inject('apiServer').port)
  const transport = new Transport(proxy.configFrom(inject('apiServer').kubeconfigPath), 'kube-test')
  let isOpen = false
  const { informer, object, names } = watched({
    client: new KubeClient(transport, 'kube-test'),
    admission: { admits: () => isOpen, isGone: () => {} },
  })
  await client.create(configMaps, object('stays'))
  await client.create(configMaps, object('goes'))
  informer.start()
  await informer.synced
  expect(names()).toEqual([])

  isOpen = true
  const released = Promise.withResolvers<void>()
  proxy.fault = ({ path }) => (path.includes('watch') ? undefined : { kind: 'answerLate', after: released.promise })
  const read = informer.readAgain(namespace)
  await expect.poll(() => proxy.lateAnswers).toBe(1)
  await client.delete(configMaps, object('goes').metadata)
  await client.create(configMaps, object('comes'))
  await expect.poll(names).toEqual(['comes'])
  released.resolve()
  await read
  expect(names()).toEqual(['comes', 'stays'])
  await informer.stop()
  await proxy.close()
})

test('an expired resource version leads to a list, and no change is missed', async () => {
  const proxy = await TcpProxy.to(inject('apiServer').port)
  const { informer, object, names, lists } = watched({
    client: apiClient(proxy.port),
    backoff: { baseMilliseconds: 500, mostMilliseconds: 500 },
  })
  informer.start()
  await informer.synced
  await client.create(configMaps, object('a'))
  await expect.poll(names).toEqual(['a'])

  // The watch must not recover while etcd compacts the version at which it stopped.
  proxy.setSilent(true)
  proxy.cut()
  await client.create(configMaps, object('b'))
  await client.create(configMaps, object('c'))
  await client.delete(configMaps, object('a').metadata)
  const { metadata: newest } = await client.apply<ConfigMap>(configMaps, object('c', { x: '1' }))
  await compact(Number(newest.resourceVersion))
  proxy.setSilent(false)
  proxy.cut()
  await expect.poll(names).toEqual(['b', 'c'])
  expect(lists).toHaveLength(2)
  await informer.stop()
  await proxy.close()
})

test('an error of a handler is logged and counted, and the other handlers are called', async () => {
  let errors = 0
  const { informer, object, seen } = watched({ onHandlerError: () => errors++ })
  const later: string[] = []
  informer.onChange(() => {
    throw new Error('broken handler')
  })
  informer.onChange((change) => later.push(change.type))
  informer.start()
  await informer.synced
  await client.create(configMaps, object('a'))
  await expect.poll(() => later).toEqual(['added'])
  expect(seen()).toEqual(['added a'])
  expect(errors).toBe(1)
  expect(log.lines).toContainEqual(
    expect.objectContaining({
      level: 'error',
      fields: expect.objectContaining({ err: expect.objectContaining({ message: 'broken handler' }) }),
    }),
  )
})

test('an informer that starts before its API server syncs once that is available', async () => {
  const proxy = await TcpProxy.to(inject('apiServer').port)
  proxy.setSilent(true)
  const { informer } = watched({ client: apiClient(proxy.port) })
  informer.start()
  await expect.poll(() => informer.hasSynced).toBe(false)
  proxy.setSilent(false)
  proxy.cut()
  await expect.poll(() => informer.hasSynced).toBe(true)
  await informer.stop()
  await proxy.close()
})

test('the cache keeps the result of the transform', async () => {
  const { informer, object } = watched({
    transform: (one) => ({ ...one, metadata: { ...one.metadata, managedFields: [] }, data: {} }),
  })
  await client.create(configMaps, object('a', { big: 'x'.repeat(1_000) }))
  informer.start()
  await informer.synced
  expect(informer.list()).toEqual([expect.objectContaining({ data: {} })])
})

/** Makes etcd compact all versions before this one. */
async function compact(revision: number): Promise<void> {
  const { etcdPort } = inject('apiServer')
  const answer = await fetch(`http://127.0.0.1:${etcdPort}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision: String(revision), physical: true }),
  })
  if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`)
}
