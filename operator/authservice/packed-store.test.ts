import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type KubernetesObject, keyOf } from '../kube/objects.ts'
import { PackedStore, wordsOfMember, wordsOfOwner } from './packed-store.ts'

const named = (name: string, fields: object = {}): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', ...fields },
  metadata: { name, namespace: 'team-a', uid: `uid of ${name}`, resourceVersion: '1', labels: { of: 'accounts' } },
})

test('it holds what a Map would hold, whatever happens to it', () => {
  const key = fc.constantFrom('a', 'accounts', 'accounts-blue', 'team-a')
  const operation = fc.oneof(
    fc.record({ set: key, status: fc.jsonValue() }),
    fc.record({ delete: key }),
    fc.record({ get: key }),
  )
  fc.assert(
    fc.property(fc.array(operation), fc.constantFrom(wordsOfOwner, wordsOfMember('of')), (operations, words) => {
      const store = new PackedStore<KubernetesObject>(words)
      const map = new Map<string, KubernetesObject>()
      for (const one of operations) {
        if ('set' in one) {
          const object: KubernetesObject = JSON.parse(JSON.stringify(named(one.set, { status: one.status })))
          store.set(keyOf(object), object)
          map.set(keyOf(object), object)
        } else if ('delete' in one) {
          const of = keyOf(named(one.delete))
          expect(store.delete(of)).toBe(map.delete(of))
        } else expect(store.get(keyOf(named(one.get)))).toEqual(map.get(keyOf(named(one.get))))
      }
      expect([...store.keys()].sort()).toEqual([...map.keys()].sort())
      const inOrder = (objects: Iterable<KubernetesObject>) =>
        [...objects].sort((one, other) => keyOf(one).localeCompare(keyOf(other)))
      expect(inOrder(store.values())).toEqual(inOrder(map.values()))
    }),
  )
})

test('a field that is undefined is left out, as in JSON', () => {
  const store = new PackedStore<KubernetesObject>(wordsOfOwner)
  const object = named('accounts', { status: undefined, spec: { one: undefined, other: 1 } })
  store.set('team-a/accounts', { ...object, metadata: { ...object.metadata, deletionTimestamp: undefined } } as never)
  expect(store.get('team-a/accounts')).toEqual(JSON.parse(JSON.stringify(object)))
})

test('an object that is changed by whoever got it is not changed in the cache', () => {
  const store = new PackedStore<KubernetesObject>(wordsOfOwner)
  store.set('team-a/accounts', named('accounts'))
  const got = store.get('team-a/accounts')
  if (got === undefined) throw new Error('it was set')
  got.metadata.name = 'another'
  expect(store.get('team-a/accounts')?.metadata.name).toBe('accounts')
})
