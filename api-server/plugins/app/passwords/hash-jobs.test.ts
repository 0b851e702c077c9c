import { expect, test } from 'vitest'
import { perform, unmatchableHash } from './hash-jobs.ts'
import { comparableHash } from './password-rules.ts'

test('a hash of nothing is one that bcrypt compares, at its cost, and that no password matches', () => {
  const hash = unmatchableHash(7)
  expect(comparableHash(hash)).toBe(hash)
  expect(hash).toMatch(/^\$2b\$07\$/)
  expect(unmatchableHash(7)).not.toBe(hash)
  const spellings: [string, ...string[]] = ['', 'a password', hash]
  expect(perform({ kind: 'compare', spellings, hash, alsoCosts: [] })).toEqual([false, false, false])
})

test('a new hash has the cost that was asked for and matches its password alone', () => {
  const hash = perform({ kind: 'hash', text: 'a password', cost: 5 })
  if (typeof hash !== 'string') throw new Error('A hash is a text.')
  expect(hash).toMatch(/^\$2b\$05\$/)
  expect(perform({ kind: 'compare', spellings: ['b', 'a password'], hash, alsoCosts: [4] })).toEqual([false, true])
})
