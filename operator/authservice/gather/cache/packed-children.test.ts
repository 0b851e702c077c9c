import { expect, test } from 'vitest'
import { PackedChildren } from './packed-children.ts'

const owner = (uid: string) => ({ apiVersion: 'g/v1', kind: 'AuthService', name: 'accounts', uid, controller: true })
const child = (name: string, ...ownerReferences: ReturnType<typeof owner>[]) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name,
    namespace: 'team-a',
    uid: `uid of ${name}`,
    resourceVersion: '7',
    labels: { a: 'b' },
    ownerReferences,
  },
  data: { key: 'value' },
})

test('children are returned by owner, in their current state, until they are deleted', () => {
  const index = new PackedChildren()
  const [one, other, foreign] = [child('one', owner('1')), child('other', owner('1')), child('foreign', owner('2'))]
  for (const object of [one, other, foreign]) index.put(object)
  const edited = { ...one, data: { key: 'another' } }
  index.put(edited)
  expect(index.of('1')).toEqual([other, edited])
  index.remove(one)
  index.remove(other)
  expect(index.of('1')).toEqual([])
  expect(index.of('2')).toEqual([foreign])
})

test('the kept part of each child has its controller as owner, and the owners of one family are in memory once', () => {
  const index = new PackedChildren()
  const first = child('first', owner('1'))
  index.put(first)
  const second = index.identityOf(child('second', owner('1')))
  expect(second).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'second',
      namespace: 'team-a',
      uid: 'uid of second',
      resourceVersion: '7',
      ownerReferences: [owner('1')],
    },
  })
  expect(second.metadata.ownerReferences).toBe(index.identityOf(first).metadata.ownerReferences)

  const shared = child('shared', owner('1'), { ...owner('3'), controller: false })
  expect(index.identityOf(shared).metadata.ownerReferences).toEqual([owner('1')])
  expect(index.identityOf(child('stray', owner('2'))).metadata.ownerReferences).toEqual([owner('2')])
  expect(index.identityOf(child('free')).metadata.ownerReferences).toBeUndefined()
})
