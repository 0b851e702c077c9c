import type { KeySetEntry } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'

/** How far the operator's clock may be ahead of the servers' without any harm. */
const toleratedLeadSeconds = 86_400

/** How long a retired key stays in the file. The servers refuse it by their own clocks from `retireAt` on. */
export const keptAfterRetirementSeconds = toleratedLeadSeconds

/** In the order in which they sign. */
export function byActivation(keys: readonly KeySetEntry[]): KeySetEntry[] {
  return [...keys].sort((one, other) => Date.parse(one.activateAt) - Date.parse(other.activateAt))
}

/** The key that signs at this time: the one activated last. The same rule as the server's. */
export function signerOf(keys: readonly KeySetEntry[], now: Date): KeySetEntry | undefined {
  return byActivation(keys.filter((key) => !isWaiting(key, now) && !isRetired(key, now))).at(-1)
}

/** The key that signs, or will sign, last. One with a date of retirement was replaced already. */
export function latestOf(keys: readonly KeySetEntry[]): KeySetEntry | undefined {
  return byActivation(keys.filter(({ retireAt }) => retireAt === undefined)).at(-1)
}

/** It is published, and does not sign yet. */
export function isWaiting({ activateAt }: KeySetEntry, now: Date): boolean {
  return Date.parse(activateAt) > now.getTime()
}

/** It neither signs nor verifies any more. */
export function isRetired({ retireAt }: KeySetEntry, now: Date): boolean {
  return retireAt !== undefined && Date.parse(retireAt) <= now.getTime()
}

/** The date of a key that is to sign at once, after these: so far back that no server's clock has not reached it. */
export function atOnce(before: readonly KeySetEntry[], now: Date): Date {
  return notBefore(before, later(now, -toleratedLeadSeconds))
}

/** Since when a key can have signed: one that was to sign at once is dated back. */
export function signsFrom({ createdAt, activateAt }: KeySetEntry): Date {
  return latest(new Date(createdAt), new Date(activateAt))
}

/** The time, or the moment after the last of these keys was activated: two keys of one time would both sign. */
export function notBefore(keys: readonly KeySetEntry[], date: Date): Date {
  const predecessor = byActivation(keys).at(-1)
  return predecessor === undefined ? date : latest(date, later(new Date(predecessor.activateAt), 0.001))
}

export function later(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000)
}

export function earliest(...dates: readonly [Date, ...Date[]]): Date {
  return dates.reduce((first, date) => (date < first ? date : first))
}

export function latest(...dates: readonly [Date, ...Date[]]): Date {
  return dates.reduce((last, date) => (date > last ? date : last))
}
