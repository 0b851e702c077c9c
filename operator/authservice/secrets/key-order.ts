import type { KeySetEntry } from '@authservice-operator/contract/key-set.ts'

/** Maximum tolerated time by which the operator's clock may be ahead of the servers' clocks. */
const toleratedLeadSeconds = 86_400

/** Time for which a retired key stays in the file. From `retireAt` on, the servers refuse it by their own clocks. */
export const keptAfterRetirementSeconds = toleratedLeadSeconds

/** A key of any purpose, with its times. */
export type DatedKey = Pick<KeySetEntry, 'kid' | 'createdAt' | 'activateAt' | 'retireAt'>

/** In the order of their activation. */
export function byActivation<Key extends DatedKey>(keys: readonly Key[]): Key[] {
  return [...keys].sort((one, other) => Date.parse(one.activateAt) - Date.parse(other.activateAt))
}

/** The key that is, or will be, the last to sign. A key with a retirement time has already been replaced. */
export function latestOf<Key extends DatedKey>(keys: readonly Key[]): Key | undefined {
  return byActivation(keys.filter(({ retireAt }) => retireAt === undefined)).at(-1)
}

/** It is published, but does not sign yet. */
export function isWaiting({ activateAt }: DatedKey, now: Date): boolean {
  return Date.parse(activateAt) > now.getTime()
}

/**
 * The activation time of a key that must sign immediately, after these keys: far enough in the past for the clock of
 * every server.
 */
export function atOnce(before: readonly DatedKey[], now: Date): Date {
  return notBefore(before, later(now, -toleratedLeadSeconds))
}

/**
 * The earliest time at which a key can have signed: the activation time of a key that had to sign immediately is in the
 * past.
 */
export function signsFrom({ createdAt, activateAt }: DatedKey): Date {
  return latest(new Date(createdAt), new Date(activateAt))
}

/** The time, or the moment after the last activation of these keys: two keys with the same time would both sign. */
export function notBefore(keys: readonly DatedKey[], date: Date): Date {
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
