import { expect, test } from 'vitest'
import { ChildIndex } from './child-index.ts'

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

test('children come back by their owner, as they are now, until they are gone', () => {
  const index = new ChildIndex()
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

test('what is kept of each child has its own owners, and those of one family are in memory once', () => {
  const index = new ChildIndex()
  const first = child('first', owner('1'))
  index.put(first)
  const second = index.identityOf(child('second', owner('1')))
  expect(second).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...{ name: 'second', namespace: 'team-a', uid: 'uid of second', resourceVersion: '7' },
      ownerReferences: [owner('1')],
    },
  })
  expect(second.metadata.ownerReferences).toBe(first.metadata.ownerReferences)

  const shared = child('shared', owner('1'), { ...owner('3'), controller: false })
  expect(index.identityOf(shared).metadata.ownerReferences).toEqual(shared.metadata.ownerReferences)
  expect(index.identityOf(child('stray', owner('2'))).metadata.ownerReferences).toEqual([owner('2')])
  expect(index.identityOf(child('free')).metadata.ownerReferences).toEqual([])
})
