import fc from 'fast-check'
import { expect, test } from 'vitest'
import { partOf, shapeOf, take } from './bucket.ts'

const rate = { count: 10, perSeconds: 60 }

/** Uses at these moments. @returns which were allowed */
function allowed(moments: readonly number[], burst?: number): boolean[] {
  const shape = shapeOf({ rate, ...(burst !== undefined && { burst }) })
  let fullAt: number | undefined
  return moments.map((now) => {
    const taken = take([shape], [fullAt], now)
    fullAt = taken.fullAt[0]
    return taken.allowance.isAllowed
  })
}

test('a limit lets its count through at once, then one each time that a part of the period is over', () => {
  const atOnce = Array.from({ length: 11 }, () => 0)
  expect(allowed(atOnce).filter(Boolean)).toHaveLength(10)
  expect(allowed([...atOnce, 5_999, 6_000, 6_001])).toEqual([...Array(10).fill(true), false, false, true, false])
})

test('a burst is what is let through at once', () => {
  expect(allowed([0, 0, 0], 2)).toEqual([true, true, false])
})

test('in no stretch of time is more allowed than the count and what refills meanwhile', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 60 }), (gaps) => {
      let now = 0
      const moments = gaps.map((gap) => {
        now += gap
        return now
      })
      const uses = moments.filter((_, index) => allowed(moments)[index])
      for (const start of uses) {
        const inOnePeriod = uses.filter((moment) => moment >= start && moment < start + 60_000)
        expect(inOnePeriod.length).toBeLessThanOrEqual(20)
        const atOnce = uses.filter((moment) => moment >= start && moment < start + 6_000)
        expect(atOnce.length).toBeLessThanOrEqual(11)
      }
    }),
  )
})

test('a refused use does not count, and a retry at the indicated time is allowed', () => {
  const shape = shapeOf({ rate: { count: 1, perSeconds: 60 } })
  const first = take([shape], [undefined], 0)
  const refused = take([shape], first.fullAt, 1_000)
  expect(refused).toMatchObject({ fullAt: first.fullAt, allowance: { isAllowed: false, retryAfter: 59_000 } })
  expect(take([shape], refused.fullAt, 60_000).allowance.isAllowed).toBe(true)
})

test('of several limits, the nearest one is reported, and an empty one leaves the others unchanged', () => {
  const wide = shapeOf({ rate: { count: 100, perSeconds: 60 } })
  const narrow = shapeOf({ rate: { count: 1, perSeconds: 60 } })
  const first = take([wide, narrow], [undefined, undefined], 0)
  expect(first).toMatchObject({ tightest: 1, allowance: { isAllowed: true, remaining: 0 } })
  const second = take([wide, narrow], first.fullAt, 0)
  expect(second).toMatchObject({ tightest: 1, allowance: { isAllowed: false, retryAfter: 60_000 } })
  expect(second.fullAt[0]).toBe(first.fullAt[0])
})

test('a server that counts alone grants its part, and never nothing', () => {
  expect(partOf({ interval: 6_000, capacity: 10 }, 3)).toEqual({ interval: 18_000, capacity: 3 })
  expect(partOf({ interval: 6_000, capacity: 10 }, 20)).toEqual({ interval: 120_000, capacity: 1 })
})
