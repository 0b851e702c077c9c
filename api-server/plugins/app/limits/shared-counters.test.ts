import { expect, test } from 'vitest'
import type { Counters } from './counters.ts'
import { LocalCounters } from './local-counters.ts'
import { sharedCounters } from './shared-counters.ts'

const bucket = { key: 'test', rate: { count: 2, perSeconds: 60 } }

/** Counters that fail or hang on demand, and count how often they were asked. */
function brokenOnDemand() {
  const local = new LocalCounters({ count: 1 })
  const state = { isBroken: false, asked: 0 }
  const counters: Counters = {
    take: async (buckets) => {
      state.asked++
      if (state.isBroken) throw new Error('Command timed out')
      return local.take(buckets)
    },
    refund: (buckets) => local.refund(buckets),
    lockLeft: (subject, policy) => local.lockLeft(subject, policy),
    recordAttempt: (subject, isValid, policy) => local.recordAttempt(subject, isValid, policy),
    unlock: (account, policy, keys) => local.unlock(account, policy, keys),
  }
  return { state, counters }
}

test('while the shared counters are unavailable, uses are counted locally, and one request a second tests them', async () => {
  const shared = brokenOnDemand()
  const changes: boolean[] = []
  let now = 0
  const counters = sharedCounters(
    shared.counters,
    new LocalCounters({ count: 1 }),
    (error) => changes.push(error === undefined),
    () => now,
  )
  expect((await counters.take([bucket])).isAllowed).toBe(true)

  shared.state.isBroken = true
  shared.state.asked = 0
  const answers = []
  for (let use = 0; use < 5; use++) answers.push((await counters.take([bucket])).isAllowed)
  expect(answers).toEqual([true, true, false, false, false])
  expect(shared.state.asked).toBe(1)

  now += 1_000
  await Promise.all(Array.from({ length: 5 }, () => counters.take([bucket])))
  expect(shared.state.asked).toBe(2)

  shared.state.isBroken = false
  now += 1_000
  await counters.take([bucket])
  await counters.take([bucket])
  expect(shared.state.asked).toBe(4)
  expect(changes).toEqual([false, true])
})

test('the counters of one server have a bounded size', async () => {
  const counters = new LocalCounters({ count: 1 })
  for (let key = 0; key <= 50_000; key++) await counters.take([{ ...bucket, key: String(key) }])
  for (let use = 0; use < 2; use++) await counters.take([{ ...bucket, key: '0' }])
  // The first one was forgotten for the last one; the second one is still known.
  expect((await counters.take([{ ...bucket, key: '0' }])).isAllowed).toBe(false)
  await counters.take([{ ...bucket, key: '50000' }])
  expect((await counters.take([{ ...bucket, key: '50000' }])).isAllowed).toBe(false)
})
