const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/**
 * The numeric value of a Kubernetes quantity: `500m` is 0.5, `1Gi` is 1073741824.
 *
 * @returns undefined if the text is not a quantity
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function parseQuantity(text: string): number | undefined {
  const [, number, exponent, suffix = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([A-Za-z]{1,2}))?$/.exec(text) ?? []
  const unit = suffixes[suffix]
  if (number === undefined || unit === undefined) return undefined
  return Number(`${number}${exponent ?? ''}`) * unit
}

/** Whether two quantities are equal; the API server returns `1000m` as `1`. */
export function sameQuantity(one: string, other: string): boolean {
  const amount = parseQuantity(one)
  const otherAmount = parseQuantity(other)
  if (amount === undefined || otherAmount === undefined) return false
  // Both are short decimals: a difference of less than a billionth is only a rounding error.
  return Math.abs(amount - otherAmount) <= Math.abs(amount) * 1e-9
}
