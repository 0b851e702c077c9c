import { expect, test } from 'vitest'
import type { LockPolicy } from '../../../config/units.ts'
import { current, type LockState, recordAttempt } from './lock.ts'

const policy: LockPolicy = { lockAtFailure: 3, firstLock: 1_000, longestLock: 10_000, memory: 60_000 }

test('failures lock for twice as long each time, up to the longest lock', () => {
  let state: LockState | undefined
  let now = 0
  const locks: number[] = []
  for (let failure = 0; failure < 8; failure++) {
    const recorded = recordAttempt(state, false, policy, now)
    if (recorded.result.outcome !== 'failed') throw new Error(`it was ${recorded.result.outcome}`)
    state = recorded.state
    locks.push(recorded.result.lock)
    now += recorded.result.lock
  }
  expect(locks).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
})

test('of many guesses at the same time only those before the lock learn anything, the right one among the rest does not', () => {
  let state: LockState | undefined
  const outcomes = [false, false, false, false, true].map((isValid) => {
    const recorded = recordAttempt(state, isValid, policy, 0)
    state = recorded.state
    return recorded.result.outcome
  })
  expect(outcomes).toEqual(['failed', 'failed', 'failed', 'locked', 'locked'])
})

test('a right password forgets the failures before it', () => {
  const failed = recordAttempt(undefined, false, policy, 0)
  expect(recordAttempt(failed.state, true, policy, 1)).toEqual({
    result: { outcome: 'succeeded', failuresBefore: 1 },
    state: undefined,
  })
})

test('failures are forgotten after a while, and when the account is unlocked', () => {
  const { state } = recordAttempt(undefined, false, policy, 1_000)
  expect(current(state, undefined, policy, 60_999)).toBe(state)
  expect(current(state, undefined, policy, 61_000)).toBeUndefined()
  expect(current(state, 999, policy, 2_000)).toBe(state)
  expect(current(state, 1_000, policy, 2_000)).toBeUndefined()
})
