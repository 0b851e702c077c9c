import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { Discovery } from '../../../operator/kube/discovery.ts'
import { Informer } from '../../../operator/kube/informer.ts'
import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'
import { OptionalInformer } from '../../../operator/kube/optional-informer.ts'
import { OptionalKinds } from '../../../operator/kube/optional-kinds.ts'
import { definitions } from '../../../tools/local-servers/install-definition.ts'
import { definitionOf } from '../support/definition-of-kind.ts'
import { apiClient, apiTransport, leases, makeNamespace, RecordingLog } from '../support/kube-api.ts'

const client = apiClient()
const gadgets: Resource = { apiVersion: 'discovery.test/v1', kind: 'Gadget', plural: 'gadgets', namespaced: true }
const gadgetsV2: Resource = { ...gadgets, apiVersion: 'discovery.test/v2' }
const log = new RecordingLog()
const kinds = new OptionalKinds({
  discovery: new Discovery(apiTransport()),
  client,
  log,
  resources: [gadgets],
  namespaces: [],
  intervalMilliseconds: 50,
})
const informer = new OptionalInformer<KubernetesObject>(() => [
  new Informer({ client, resource: gadgets, log, backoff: { baseMilliseconds: 20, mostMilliseconds: 200 } }),
])
let namespace = ''

beforeAll(async () => {
  namespace = await makeNamespace(`discovery-${Date.now()}`)
})
afterAll(async () => {
  await kinds.stop()
  await informer.close()
})

test('kinds are identified by group, version and name', async () => {
  const served = await new Discovery(apiTransport()).look()
  expect(served.has(leases)).toBe(true)
  expect(served.has({ ...leases, apiVersion: 'coordination.k8s.io/v99' })).toBe(false)
  expect(served.has({ ...leases, kind: 'Loan' })).toBe(false)
})

test('another request to an unchanged API server transfers nothing', async () => {
  const codes: string[] = []
  const discovery = new Discovery(apiTransport(inject('apiServer').port, (_, code) => codes.push(code)))
  await discovery.look()
  // Other test files may define kinds at the same time.
  await expect
    .poll(async () => {
      await discovery.look()
      return codes.at(-1)
    })
    .toBe('304')
  expect((await discovery.look()).has(leases)).toBe(true)
})

test('objects of a kind are seen from the creation of its definition until its deletion', async () => {
  const changes: string[] = []
  informer.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`))
  kinds.onChange((_, availability) => void (availability === 'available' ? informer.open() : informer.close()))
  await kinds.start()
  expect(kinds.availability(gadgets)).toBe('absent')

  await client.create(definitions, definitionOf(gadgets))
  await expect.poll(() => kinds.availability(gadgets)).toBe('available')
  await client.create(gadgets, { ...gadgets, metadata: { namespace, name: 'a' } })
  await expect.poll(() => informer.list().length).toBe(1)

  await client.delete(definitions, definitionOf(gadgets).metadata)
  await expect.poll(() => kinds.availability(gadgets)).toBe('absent')
  await expect.poll(() => informer.list()).toEqual([])
  await expect.poll(() => changes).toEqual(['added a', 'deleted a'])
})

test('another version of a kind is another kind', async () => {
  await client.create(definitions, definitionOf(gadgetsV2))
  const discovery = new Discovery(apiTransport())
  await expect.poll(async () => (await discovery.look()).has(gadgetsV2)).toBe(true)
  expect((await discovery.look()).has(gadgets)).toBe(false)
})
