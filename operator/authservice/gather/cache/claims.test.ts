import { expect, test } from 'vitest'
import type { KubernetesObject } from '../../../kube/objects.ts'
import { instanceOf } from '../../model/labels.ts'
import { Claims, type Reader } from './claims.ts'
import { Orphans } from './orphans.ts'

const reader = (namespace?: string, isStopped = false): Reader => ({ namespace, isStopped, readAgain: async () => {} })
const object = (name: string, instance?: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name,
    namespace: 'team-a',
    uid: `uid of ${name}`,
    ...(instance !== undefined && { labels: { 'app.kubernetes.io/instance': instance } }),
  },
})

test('only objects that name an existing AuthService are cached; a cache that saw one earlier lists again once the AuthService exists', () => {
  const claims = new Claims(() => {})
  const [ofAll, silent] = [reader(), reader()]
  const admission = claims.admission(instanceOf, ofAll)
  claims.admission(instanceOf, silent)
  expect(admission.admits(object('free'))).toBe(false)
  expect(admission.admits(object('early', 'accounts'))).toBe(false)
  expect(claims.add('team-a/accounts')).toEqual([ofAll])
  expect(claims.add('team-a/accounts'), 'once').toEqual([])

  expect(admission.admits(object('early', 'accounts'))).toBe(true)
  expect(admission.admits(object('foreign', 'another'))).toBe(false)
  claims.remove('team-a/accounts', true)
  expect(admission.admits(object('early', 'accounts'))).toBe(false)
})

test('for an AuthService that is recreated with the name of another one, every cache of its namespace lists again, unless it has stopped', () => {
  const claims = new Claims(() => {})
  const readers = [reader(), reader('team-a'), reader('team-b'), reader('team-a', true)]
  for (const one of readers) claims.admission(instanceOf, one)
  claims.add('team-a/accounts')
  claims.remove('team-a/accounts', true)
  expect(claims.add('team-a/accounts')).toEqual(readers.slice(0, 2))
})

test('however many objects name AuthServices that do not exist, little is remembered, this is logged once, and no object is lost', () => {
  let warnings = 0
  const claims = new Claims(() => warnings++)
  const [seeing, other] = [reader(), reader()]
  const admission = claims.admission(instanceOf, seeing)
  claims.admission(instanceOf, other)
  for (let index = 0; index < 5_000; index++) admission.admits(object(`n${index}`, 'nobody'))
  expect(claims.add('team-a/nobody')).toEqual([seeing])
  for (let index = 0; index < 5_001; index++) admission.admits(object('one', `nobody-${index}`))
  expect(claims.add('team-a/nobody-5000'), 'it was too many').toEqual([seeing, other])
  expect(warnings).toBe(1)
})

test('200 orphans of one AuthService are remembered, and none of a deleted one', () => {
  const orphans = new Orphans()
  const orphan = (index: number) => ({ ...object(`n${index}`, 'accounts'), apiVersion: 'v1', kind: 'ConfigMap' })
  for (let index = 0; index < 300; index++) orphans.note(orphan(index))
  expect(orphans.of('team-a/accounts')).toHaveLength(200)
  orphans.forgetAllOf('team-a/accounts')
  expect(orphans.of('team-a/accounts')).toEqual([])
})

test('an object that loses its owner can be adopted by the AuthService of its labels, until it has another owner or is deleted', () => {
  const orphans = new Orphans()
  const child = (name: string, ownerReferences: object[] = []) => {
    const plain = object(name, 'accounts')
    return { ...plain, apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...plain.metadata, ownerReferences } } as never
  }
  const foreign = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop', uid: '7', controller: true }]
  const names = () => orphans.of('team-a/accounts').map(({ metadata }) => metadata.name)
  expect(orphans.note(child('one'))).toBe('team-a/accounts')
  expect(orphans.note(child('one')), 'it is known').toBeUndefined()
  expect(orphans.note(child('two', foreign))).toBeUndefined()
  expect(names()).toEqual(['one'])
  expect(orphans.note(child('one', foreign))).toBeUndefined()
  expect(names()).toEqual([])
  orphans.note(child('two'))
  orphans.forget(child('two'))
  expect(names()).toEqual([])
})
