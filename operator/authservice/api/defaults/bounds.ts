/** The default of an omitted bound is adjusted to the bound that is set, so that a preset never contradicts a spec. */
export function orderedBounds(
  low: number | undefined,
  high: number | undefined,
  presetLow: number,
  presetHigh: number,
) {
  if (low !== undefined) return { low, high: high ?? Math.max(presetHigh, low) }
  if (high !== undefined) return { low: Math.min(presetLow, high), high }
  return { low: presetLow, high: presetHigh }
}
