import type { KeySetEntry } from '@authservice-operator/contract/key-set.ts'
import { byActivation, earliest, isWaiting, later, latest, notBefore } from './key-order.ts'

/** Durations of the steps of a rotation. */
export interface ActivationTiming {
  /** Time between publishing a key and signing with it. */
  activationDelaySeconds: number
  /** Time within which a Secret volume shows a change. */
  volumeRefreshSeconds: number
  /** Maximum time for which an unreachable server delays a key. */
  longestHoldSeconds: number
}

/**
 * The refresh time covers the sync period and the cache of the kubelet, and is the shortest delay that a spec may
 * request.
 */
export const holdTiming = { volumeRefreshSeconds: 90, longestHoldSeconds: 1_800 } as const

/** Interval between queries of the servers. */
export const askAgainSeconds = 10

/**
 * When a key that is published now begins to sign, unless every server has loaded it earlier. The time is late enough
 * that an unreachable server does not matter. It only ever moves earlier, so that a server with an outdated key set
 * signs with the old key, which every server knows, for a little longer.
 */
export function activationAtTheLatest(now: Date, timing: ActivationTiming): Date {
  return later(now, timing.activationDelaySeconds + timing.longestHoldSeconds)
}

/** The pending key that could become active earlier if more servers had loaded it; undefined: none. */
export function heldKey(keys: readonly KeySetEntry[], timing: ActivationTiming, now: Date): KeySetEntry | undefined {
  const key = byActivation(keys).at(-1)
  if (key === undefined || !isWaiting(key, now)) return undefined
  return Date.parse(key.activateAt) > soonest(keys, key, timing, now).getTime() ? key : undefined
}

/**
 * The keys, with an earlier activation time of the pending one: all servers have loaded it, or its time is later than
 * any time computed today, because the clock was wrong when it was created.
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

/** Never before its predecessor, and never before every server can have loaded it. */
function soonest(keys: readonly KeySetEntry[], key: KeySetEntry, timing: ActivationTiming, now: Date): Date {
  const published = earliest(new Date(key.createdAt), now)
  const delayed = latest(later(published, timing.activationDelaySeconds), later(now, timing.volumeRefreshSeconds))
  return notBefore(
    keys.filter((other) => other !== key),
    delayed,
  )
}
