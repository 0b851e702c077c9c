import { expect, test } from 'vitest'
import { compare, describeChanges } from './planned-changes.ts'

test('an object that is there will be changed, one of the same name in another namespace is not it', () => {
  const wanted = [
    { kind: 'Namespace', metadata: { name: 'authservice-system' } },
    { kind: 'Deployment', metadata: { name: 'authservice-operator', namespace: 'authservice-system' } },
  ]
  const found = [
    { kind: 'Namespace', metadata: { name: 'authservice-system' } },
    { kind: 'Deployment', metadata: { name: 'authservice-operator', namespace: 'other' } },
  ]
  expect(describeChanges(compare(wanted, found))).toBe(
    '  change  Namespace authservice-system\n  create  Deployment authservice-system/authservice-operator',
  )
})
