import type { KeySetEntry } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'
import { byActivation, earliest, isWaiting, later, latest, notBefore } from './key-order.ts'

/** How long the steps of a rotation take. */
export interface ActivationTiming {
  /** Time between publishing a key and signing with it. */
  activationDelaySeconds: number
  /** A Secret volume shows a change within so long. */
  volumeRefreshSeconds: number
  /** A server that cannot be asked holds a key back for so long, and no longer. */
  longestHoldSeconds: number
}

/** The refresh is the kubelet's sync period and its cache, and the shortest delay that a spec may ask for. */
export const holdTiming = { volumeRefreshSeconds: 90, longestHoldSeconds: 1_800 } as const

/** How soon the servers are asked again. */
export const askAgainSeconds = 10

/**
 * When a key that is published now begins to sign, unless every server turns out to know it sooner: late enough that
 * a server that cannot be asked does not matter. The date only ever moves forward, so that a server that has not seen
 * it move signs with the old key for a while, which everybody knows, and never with a key that somebody does not know.
 */
export function activationAtTheLatest(now: Date, timing: ActivationTiming): Date {
  return later(now, timing.activationDelaySeconds + timing.longestHoldSeconds)
}

/** The key that waits, and that knowing of more servers would let sign sooner; undefined: there is none. */
export function heldKey(keys: readonly KeySetEntry[], timing: ActivationTiming, now: Date): KeySetEntry | undefined {
  const key = byActivation(keys).at(-1)
  if (key === undefined || !isWaiting(key, now)) return undefined
  return Date.parse(key.activateAt) > soonest(keys, key, timing, now).getTime() ? key : undefined
}

/**
 * The keys with the date of the waiting one moved forward: all servers know it, or its date is further away than one of
 * today could be, because the clock was wrong when it was made.
 */
export function releaseHeld(
  keys: readonly KeySetEntry[],
  everyServerKnows: boolean,
  timing: ActivationTiming,
  now: Date,
): KeySetEntry[] {
  const held = heldKey(keys, timing, now)
  if (held === undefined) return [...keys]
  const first = soonest(keys, held, timing, now)
  const last = latest(first, activationAtTheLatest(now, timing))
  const activateAt = everyServerKnows ? first : earliest(new Date(held.activateAt), last)
  return keys.map((key) => (key === held ? { ...key, activateAt: activateAt.toISOString() } : key))
}

/** Never before its predecessor, and never sooner than the news of it reaches every server. */
function soonest(keys: readonly KeySetEntry[], key: KeySetEntry, timing: ActivationTiming, now: Date): Date {
  const published = earliest(new Date(key.createdAt), now)
  const delayed = latest(later(published, timing.activationDelaySeconds), later(now, timing.volumeRefreshSeconds))
  return notBefore(
    keys.filter((other) => other !== key),
    delayed,
  )
}
