import type { Rate } from '../../../config/config.ts'

/** A limit: `count` in `perSeconds`, spread evenly, with `burst` at once. */
export interface Bucket {
  key: string
  rate: Rate
  /** Number of uses in a full bucket; the count of the rate by default. */
  burst?: number
}

/** The result for one use. Times are in milliseconds from now. */
export interface Allowance {
  isAllowed: boolean
  /** Uses that are left now. */
  remaining: number
  /** Time until the next use is allowed; 0 if this one was. */
  retryAfter: number
  /** Time until the bucket is full again. */
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

/** The share of a limit that one of `replicas` servers grants when they cannot count together. Never zero. */
export function partOf({ interval, capacity }: Shape, replicas: number): Shape {
  return { interval: interval * replicas, capacity: Math.max(1, Math.floor(capacity / replicas)) }
}

/**
 * Takes one use from each bucket, or none if one of them is empty. A refused request costs nothing, so that a client
 * that keeps trying does not wait longer.
 *
 * This is the generic cell rate algorithm: a bucket is one time, at which it is full again. There are no windows whose
 * edges let twice the limit through.
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 *
 * @param fullAt of each bucket, undefined for one that was never used
 * @returns the new times, and the allowance of the bucket that is nearest to its limit
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

/** Returns one use. @returns when the bucket is full again; undefined: it is full now */
export function refund({ interval }: Shape, fullAt: number | undefined, now: number): number | undefined {
  const earlier = (fullAt ?? now) - interval
  return earlier <= now + tolerance ? undefined : earlier
}

/** Times are sums of fractions and not exact: tolerance of a thousandth of a millisecond. */
export const tolerance = 0.001

function indexOfLeast(values: readonly number[]): number {
  return values.reduce((least, value, index) => (value < (values[least] ?? value) ? index : least), 0)
}
