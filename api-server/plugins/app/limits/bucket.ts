import type { Rate } from '../../../config.ts'

/** What a limit counts, and how much of it is allowed: `count` in `perSeconds`, spread evenly, `burst` of them at once. */
export interface Bucket {
  key: string
  rate: Rate
  /** Uses that a full bucket has; the rate's count by default. */
  burst?: number
}

/** The answer for one use. Times are in milliseconds from now. */
export interface Allowance {
  isAllowed: boolean
  /** Uses left at once. */
  remaining: number
  /** Until the next use is allowed; 0 when this one was. */
  retryAfter: number
  /** Until the bucket is full again. */
  resetAfter: number
}

/** One use refills in `interval` milliseconds; `capacity` uses fit in. */
export interface Shape {
  interval: number
  capacity: number
}

export function shapeOf({ rate, burst }: Pick<Bucket, 'rate' | 'burst'>): Shape {
  return { interval: (rate.perSeconds * 1000) / rate.count, capacity: burst ?? rate.count }
}

/** The part of a limit that one of `replicas` servers grants when they cannot count together. Never nothing. */
export function partOf({ interval, capacity }: Shape, replicas: number): Shape {
  return { interval: interval * replicas, capacity: Math.max(1, Math.floor(capacity / replicas)) }
}

/**
 * Takes one use from each bucket, or, when one of them is empty, from none: a refused request costs nothing, so
 * whoever goes on asking is not kept out for longer.
 *
 * The generic cell rate algorithm: a bucket is one moment, that at which it is full again. There are no windows, whose
 * edges would let twice the limit through.
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 *
 * @param fullAt of each bucket, undefined for one that was never used
 * @returns the moments after it, and the allowance of the bucket that is nearest to its limit
 */
export function take(
  shapes: readonly Shape[],
  fullAt: readonly (number | undefined)[],
  now: number,
): { fullAt: number[]; allowance: Allowance; tightest: number } {
  const before = shapes.map((_, index) => Math.max(fullAt[index] ?? now, now))
  const after = shapes.map(({ interval }, index) => (before[index] ?? now) + interval)
  const waits = shapes.map(({ interval, capacity }, index) => (after[index] ?? now) - interval * capacity - now)
  const isAllowed = waits.every((wait) => wait <= tolerance)
  const moments = isAllowed ? after : before
  const remaining = shapes.map(({ interval, capacity }, index) =>
    Math.max(0, Math.floor(capacity - ((moments[index] ?? now) - now) / interval + tolerance)),
  )
  const tightest = isAllowed ? indexOfLeast(remaining) : indexOfLeast(waits.map((wait) => -wait))
  return {
    fullAt: moments,
    tightest,
    allowance: {
      isAllowed,
      remaining: remaining[tightest] ?? 0,
      retryAfter: isAllowed ? 0 : (waits[tightest] ?? 0),
      resetAfter: (moments[tightest] ?? now) - now,
    },
  }
}

/** Moments are sums of fractions, which do not come out even to the last bit: a thousandth of a millisecond. */
export const tolerance = 0.001

function indexOfLeast(values: readonly number[]): number {
  return values.reduce((least, value, index) => (value < (values[least] ?? value) ? index : least), 0)
}
