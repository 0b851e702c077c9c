import { beforeAll, expect, test } from 'vitest'
import { EventRecorder } from '../../../operator/kube/events.ts'
import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'
import { apiClient, type ConfigMap, configMap, configMaps, makeNamespace, RecordingLog } from '../support/kube-api.ts'

const client = apiClient()
let namespace = ''

beforeAll(async () => {
  namespace = await makeNamespace('client-test')
})

test('apply takes over a field, and omitting the field later removes it', async () => {
  await apiClient(undefined, 'somebody').apply(configMaps, configMap(namespace, 'shared', { ours: 'x', theirs: 'y' }))
  await client.apply(configMaps, configMap(namespace, 'shared', { ours: '1', more: '2' }))
  const { data } = await client.apply<ConfigMap>(configMaps, configMap(namespace, 'shared', { ours: '1' }))
  expect(data).toEqual({ ours: '1', theirs: 'y' })
})

test('createIfAbsent creates a new object, and does not touch an existing one', async () => {
  const somebody = apiClient(undefined, 'somebody')
  const theirs = await somebody.apply<ConfigMap>(configMaps, configMap(namespace, 'taken', { theirs: 'y' }))
  expect(await client.createIfAbsent(configMaps, configMap(namespace, 'taken', { ours: 'x' }))).toBe(false)
  expect(await client.get(configMaps, namespace, 'taken')).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', ...theirs })

  expect(await client.createIfAbsent(configMaps, configMap(namespace, 'free', { ours: '1', more: '2' }))).toBe(true)
  // The object was applied, not created: a field that is omitted later is removed.
  await client.applyMetadataOnly(configMaps, configMap(namespace, 'free', { ours: '1' }))
  expect((await client.get<ConfigMap>(configMaps, namespace, 'free')).data).toEqual({ ours: '1' })
})

test('if several clients create an object at the same time, one of them succeeds', async () => {
  const made = await Promise.all(
    ['a', 'b', 'c', 'd'].map((data) => client.createIfAbsent(configMaps, configMap(namespace, 'raced', { data }))),
  )
  expect(made.filter((one) => one)).toHaveLength(1)
})

test('an error says what was rejected and why', async () => {
  await expect(client.get(configMaps, namespace, 'absent')).rejects.toMatchObject({
    status: 404,
    reason: 'NotFound',
    message: expect.stringMatching(/GET .*configmaps\/absent: configmaps "absent" not found/),
  })
  await client.create(configMaps, configMap(namespace, 'twice'))
  await expect(client.create(configMaps, configMap(namespace, 'twice'))).rejects.toMatchObject({
    reason: 'AlreadyExists',
  })
})

test('an update with an old version is a conflict', async () => {
  const old = await client.create(configMaps, configMap(namespace, 'versions', { v: '1' }))
  await client.update(configMaps, { ...old, data: { v: '2' } })
  await expect(client.update(configMaps, { ...old, data: { v: '3' } })).rejects.toMatchObject({
    status: 409,
    reason: 'Conflict',
  })
})

test('deleting does not affect another object with the same name', async () => {
  const first = await client.create(configMaps, configMap(namespace, 'reborn'))
  await client.delete(configMaps, first.metadata)
  const second = await client.create(configMaps, configMap(namespace, 'reborn'))
  await client.delete(configMaps, first.metadata)
  expect((await client.get<ConfigMap>(configMaps, namespace, 'reborn')).metadata.uid).toBe(second.metadata.uid)
  await client.delete(configMaps, second.metadata)
  await client.delete(configMaps, second.metadata)
})

test('equal events become one with a count, and a long note is shortened', async () => {
  const events: Resource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true }
  const regarding = {
    ...(await client.create(configMaps, configMap(namespace, 'about'))),
    apiVersion: 'v1',
    kind: 'ConfigMap',
  }
  const recorder = new EventRecorder(client, 'auth-operator.dev/test', 'test-1', new RecordingLog())
  const event = { regarding, type: 'Warning', reason: 'Drifted', action: 'Reconcile' } as const
  for (let i = 0; i < 3; i++) recorder.record({ ...event, note: 'the same' })
  recorder.record({ ...event, note: 'x'.repeat(2_000) })
  await recorder.flush()

  const { items } = await client.list<KubernetesObject & { note: string; series?: { count: number } }>(events, {
    namespace,
  })
  expect(items.map(({ note, series }) => [Buffer.byteLength(note), series?.count]).sort()).toEqual([
    [1024, undefined],
    [8, 3],
  ])
})
