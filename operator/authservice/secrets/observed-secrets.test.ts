import { expect, test } from 'vitest'
import type { SecretStatus } from '../api/schema.ts'
import { missingSecrets, observedSecretStatuses } from './observed-secrets.ts'

const status = (name: string, keyId: string): SecretStatus => ({ name, keyId, state: 'Active' })
const decided = {
  statuses: [status('keys', 'new'), status('redis', 'password')],
  changes: [{ name: 'keys', why: 'the first signing key' }],
}
const observed = (found: string[], written: string[] = []) => ({ found: new Set(found), written: new Set(written) })

test('a Secret that was written has a status', () => {
  expect(observedSecretStatuses(decided, [], observed(['redis'], ['keys']))).toEqual(decided.statuses)
  expect(missingSecrets(decided, observed(['redis'], ['keys']))).toEqual([])
})

test('a Secret that was not written has none, and is missing', () => {
  expect(observedSecretStatuses(decided, [], observed(['redis']))).toEqual([status('redis', 'password')])
  expect(missingSecrets(decided, observed(['redis']))).toEqual(['keys'])
})

test('a missing Secret keeps its status until it is created again', () => {
  const before = [status('keys', 'old')]
  expect(observedSecretStatuses(decided, before, observed(['redis']))).toEqual([status('redis', 'password'), ...before])
  expect(missingSecrets(decided, observed(['redis']))).toEqual(['keys'])
})

test('a Secret whose change was not written keeps its status', () => {
  const before = [status('keys', 'old'), status('redis', 'password')]
  const statuses = observedSecretStatuses(decided, before, observed(['keys', 'redis']))
  expect(statuses).toEqual([status('redis', 'password'), status('keys', 'old')])
  expect(missingSecrets(decided, observed(['keys', 'redis']))).toEqual([])
})
