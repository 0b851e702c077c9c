import { signingKeyAt } from '@authservice-operator/contract/key-set.ts'
import {
  atOnce,
  byActivation,
  type DatedKey,
  earliest,
  isWaiting,
  keptAfterRetirementSeconds,
  later,
  signsFrom,
} from './key-order.ts'

/**
 * Time between publishing a key and using it. Nothing is urgent about these keys, so it is far longer than a Secret
 * volume takes to show a change, and no server needs to be queried.
 */
const activationDelaySeconds = 3_600

/** When keys are replaced that become active by time alone. */
export interface KeySchedule {
  /** Time from the activation of one key to that of the next. */
  rotationIntervalSeconds: number
  /** true: rotate now, whatever the age of the key. */
  rotateNow: boolean
}

/**
 * The key to add, and why.
 *
 * @param purpose continues "key": `of second factors`
 * @returns undefined if none is due
 */
export function dueKey(
  keys: readonly DatedKey[],
  purpose: string,
  schedule: KeySchedule,
  now: Date,
): { why: string; activateAt: Date } | undefined {
  const newest = byActivation(keys).at(-1)
  if (newest === undefined) return { why: `the first key ${purpose}`, activateAt: atOnce([], now) }
  // The clock was wrong when they were created.
  if (signingKeyAt(keys, now) === undefined) {
    return { why: `no key ${purpose} was active`, activateAt: atOnce([], now) }
  }
  // A pending key is a rotation in progress.
  if (isWaiting(newest, now)) return undefined
  const activateAt = later(now, activationDelaySeconds)
  if (schedule.rotateNow) return { why: 'a rotation was requested', activateAt }
  if (now < rotationAt(newest, schedule)) return undefined
  return { why: `key ${newest.kid} ${purpose} reached its maximum age`, activateAt }
}

/** When the successor of a key is added, so that it becomes active at the end of the interval. */
function rotationAt(key: DatedKey, { rotationIntervalSeconds }: KeySchedule): Date {
  return later(signsFrom(key), rotationIntervalSeconds - activationDelaySeconds)
}

/** The next activation, rotation, retirement or removal. */
export function nextChange(keys: readonly DatedKey[], schedule: KeySchedule, now: Date): Date {
  const newest = byActivation(keys).at(-1)
  const dates = [
    ...keys.map(({ activateAt }) => new Date(activateAt)),
    ...keys.flatMap(({ retireAt }) =>
      retireAt === undefined ? [] : [new Date(retireAt), later(new Date(retireAt), keptAfterRetirementSeconds)],
    ),
    ...(newest === undefined ? [] : [rotationAt(newest, schedule)]),
  ].filter((date) => date > now)
  return earliest(later(now, schedule.rotationIntervalSeconds), ...dates)
}
