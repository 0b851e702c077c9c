/** @throws when there is nothing to take the median of */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('the median of nothing')
  return (low + high) / 2
}

/** How far the values lie apart, as a share of their median: 0.1 is ten percent. */
export function spread(values: readonly number[]): number {
  const middle = median(values)
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle
}

/** For reading: three significant figures and no trailing zeros. */
export function rounded(value: number): number {
  return Number(value.toPrecision(value >= 1000 ? 5 : 3))
}
