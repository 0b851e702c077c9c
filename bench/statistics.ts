/** @throws when there are no values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('there are no values to take the median of')
  return (low + high) / 2
}

/** The distance between the smallest and the largest value, as a share of the median: 0.1 is ten percent. */
export function spread(values: readonly number[]): number {
  const middle = median(values)
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle
}

/** Rounds to three significant digits; to five from 1,000. */
export function rounded(value: number): number {
  return Number(value.toPrecision(value >= 1000 ? 5 : 3))
}

/** A share as a percentage: `0.25` is `25 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
