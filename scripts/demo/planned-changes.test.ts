import { expect, test } from 'vitest'
import { compare, describeChanges } from './planned-changes.ts'

test('an existing object will be changed, but not one of the same name in another namespace', () => {
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
