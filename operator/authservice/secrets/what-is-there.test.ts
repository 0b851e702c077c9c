import { expect, test } from 'vitest'
import type { SecretStatus } from '../api/schema.ts'
import { statusesOfWhatIsThere, unmadeSecrets } from './what-is-there.ts'

const status = (name: string, keyId: string): SecretStatus => ({ name, keyId, state: 'Active' })
const decided = {
  statuses: [status('keys', 'new'), status('redis', 'password')],
  changes: [{ name: 'keys', why: 'the first signing key' }],
}
const there = (found: string[], written: string[] = []) => ({ found: new Set(found), written: new Set(written) })

test('a Secret that was made is told of', () => {
  expect(statusesOfWhatIsThere(decided, [], there(['redis'], ['keys']))).toEqual(decided.statuses)
  expect(unmadeSecrets(decided, there(['redis'], ['keys']))).toEqual([])
})

test('a Secret that nobody made is not, and is missing', () => {
  expect(statusesOfWhatIsThere(decided, [], there(['redis']))).toEqual([status('redis', 'password')])
  expect(unmadeSecrets(decided, there(['redis']))).toEqual(['keys'])
})

test('a Secret that is gone stays known until it is made anew', () => {
  const before = [status('keys', 'old')]
  expect(statusesOfWhatIsThere(decided, before, there(['redis']))).toEqual([status('redis', 'password'), ...before])
  expect(unmadeSecrets(decided, there(['redis']))).toEqual(['keys'])
})

test('a Secret whose change was not written is told of as it was', () => {
  const before = [status('keys', 'old'), status('redis', 'password')]
  const statuses = statusesOfWhatIsThere(decided, before, there(['keys', 'redis']))
  expect(statuses).toEqual([status('redis', 'password'), status('keys', 'old')])
  expect(unmadeSecrets(decided, there(['keys', 'redis']))).toEqual([])
})
