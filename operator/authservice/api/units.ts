/** A number of requests in a number of seconds. */
export interface Rate {
  count: number
  perSeconds: number
}

const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Parses a duration such as `15m`.
 * @returns seconds
 * @throws if the text is not a duration; the schema rejects such a spec before
 */
export function parseDuration(duration: string): number {
  const [, count, unit] = /^([1-9][0-9]*)([smhd])$/.exec(duration) ?? []
  const seconds = secondsOf[unit ?? '']
  if (count === undefined || seconds === undefined) {
    throw new Error(`${JSON.stringify(duration)} is not a duration: write a number and s, m, h or d, such as 15m`)
  }
  return Number(count) * seconds
}

/** Formats seconds in the largest unit that keeps them whole: 900 becomes `15m`. */
export function formatDuration(seconds: number): string {
  const unit = (['d', 'h', 'm'] as const).find((each) => seconds > 0 && seconds % (secondsOf[each] ?? 1) === 0) ?? 's'
  return `${seconds / (secondsOf[unit] ?? 1)}${unit}`
}

/**
 * Parses a rate such as `10/m`.
 * @throws if the text is not a rate; the schema rejects such a spec before
 */
export function parseRate(rate: string): Rate {
  const [, count, unit] = /^([1-9][0-9]*)\/([smh])$/.exec(rate) ?? []
  const perSeconds = secondsOf[unit ?? '']
  if (count === undefined || perSeconds === undefined) {
    throw new Error(`${JSON.stringify(rate)} is not a rate: write a number and /s, /m or /h, such as 10/m`)
  }
  return { count: Number(count), perSeconds }
}

/** Formats a rate as in a spec: `{ count: 10, perSeconds: 60 }` becomes `10/m`. */
export function formatRate({ count, perSeconds }: Rate): string {
  const unit = (['s', 'm', 'h'] as const).find((each) => secondsOf[each] === perSeconds)
  if (unit === undefined) throw new Error(`a rate must be per second, minute or hour, not per ${perSeconds} s`)
  return `${count}/${unit}`
}
