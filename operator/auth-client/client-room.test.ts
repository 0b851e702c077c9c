import { expect, test } from 'vitest'
import { ObjectCache } from '../kube/object-cache.ts'
import { keyOf } from '../kube/objects.ts'
import type { AuthClient } from './api/schema.ts'
import { ClientRoom } from './client-room.ts'

const clientOf = (namespace: string, name: string): AuthClient => ({
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthClient',
  metadata: { name, namespace, uid: `${namespace}-${name}`, generation: 1, resourceVersion: '1' },
  spec: { authServiceRef: { name: 'accounts' }, redirectUris: [] },
})

/** A cache of the AuthClients in a cluster, with room for 4 in total and 2 of one namespace. */
function cacheOf(cluster: AuthClient[]) {
  const warnings: unknown[] = []
  const ignore = () => {}
  const log = { debug: ignore, info: ignore, error: ignore, warn: (fields: object) => void warnings.push(fields) }
  const room = new ClientRoom(log, { total: 4, ofNamespace: 2 })
  const reads: string[] = []
  const state = { fails: false, isListedMeanwhile: false }
  const reader = {
    namespace: undefined,
    isStopped: false,
    readAgain: async (namespace: string) => {
      reads.push(namespace)
      if (state.fails) throw new Error('listing all authclients')
      if (state.isListedMeanwhile) return room.listed()
      for (const client of cluster) if (client.metadata.namespace === namespace) put(client)
    },
  }
  const cache: ObjectCache<AuthClient> = new ObjectCache<AuthClient>({
    kind: 'AuthClient',
    log,
    admission: room.admissionOf(reader, (key) => cache.get(key) !== undefined),
  })
  cache.onChange(({ type, object }) => {
    if (type === 'added') room.added(object.metadata.namespace)
    if (type === 'deleted') room.removed(object.metadata.namespace)
  })
  const put = (client: AuthClient) => void cache.put(client)
  cluster.forEach(put)
  const remove = (client: AuthClient) => {
    cluster.splice(cluster.indexOf(client), 1)
    cache.remove(client)
  }
  return { room, cache, remove, reads, state, warnings }
}

const keys = (cache: ObjectCache<AuthClient>) => cache.list().map(keyOf)

test('the clients of one namespace cannot take the room of others, and the log says which are ignored', () => {
  const many = ['1', '2', '3', '4', '5'].map((name) => clientOf('a', name))
  const { room, cache, warnings } = cacheOf([...many, clientOf('b', '1')])
  expect(keys(cache)).toEqual(['a/1', 'a/2', 'b/1'])
  expect(room.isComplete).toBe(false)
  expect([room.isFull('a'), room.isFull('b')]).toEqual([true, false])
  expect(warnings).toEqual([{ namespace: 'a', cached: 2, most: { total: 4, ofNamespace: 2 } }])
})

test('ignored clients are cached when there is room again, and AuthServices that kept them are told', async () => {
  const [one, two, three] = [clientOf('a', '1'), clientOf('a', '2'), clientOf('a', '3')]
  const { room, cache, remove, reads, state } = cacheOf([one, two, three])
  room.keep('a', 'auth/accounts')
  expect(await room.readAgain()).toEqual([])
  expect(reads, 'there is no room, so nothing is read').toEqual([])

  remove(one)
  state.fails = true
  expect(await room.readAgain()).toEqual([])
  expect(room.isFull('a')).toBe(true)
  state.fails = false
  state.isListedMeanwhile = true
  expect(await room.readAgain(), 'a complete list has ended the read').toEqual([])
  expect(room.isFull('a')).toBe(true)
  state.isListedMeanwhile = false
  expect(await room.readAgain()).toEqual(['auth/accounts'])
  expect(keys(cache)).toEqual(['a/2', 'a/3'])
  expect(room.isComplete).toBe(true)
})

test('a namespace is complete again when its ignored clients are deleted', async () => {
  const [three, four] = [clientOf('a', '3'), clientOf('a', '4')]
  const { room, remove } = cacheOf([clientOf('a', '1'), clientOf('a', '2'), three, four])
  remove(three)
  await room.readAgain()
  expect(room.isFull('a'), 'another one is still ignored').toBe(true)
  remove(four)
  await room.readAgain()
  expect(room.isFull('a')).toBe(false)
})

test('a namespace gets the room that another one leaves', async () => {
  const one = clientOf('a', '1')
  const others = [clientOf('a', '2'), clientOf('b', '1'), clientOf('b', '2'), clientOf('c', '1')]
  const { room, cache, remove } = cacheOf([one, ...others])
  expect(room.isFull('c')).toBe(true)
  remove(one)
  await room.readAgain()
  expect(keys(cache)).toContain('c/1')
  expect(room.isComplete).toBe(true)
})
