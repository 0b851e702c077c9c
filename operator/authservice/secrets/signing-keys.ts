import {
  isRetired,
  type KeySetEntry,
  type KeySetFile,
  parseKeySet,
  type SigningAlgorithm,
  signingKeyAt,
} from '@authservice-operator/contract/key-set.ts'
import { leewaySeconds } from '@authservice-operator/contract/limits.ts'
import { longestAccessTokenSeconds } from '../api/spec/tokens.ts'
import { type ActivationTiming, activationAtTheLatest, askAgainSeconds, heldKey, releaseHeld } from './activation.ts'
import {
  atOnce,
  byActivation,
  earliest,
  isWaiting,
  keptAfterRetirementSeconds,
  later,
  latestOf,
  signsFrom,
} from './key-order.ts'

/** Policy of rotations. All times in seconds. */
export interface SigningKeyPolicy extends ActivationTiming {
  algorithm: SigningAlgorithm
  /** Time from the activation of one key to that of the next. */
  rotationIntervalSeconds: number
  /** true: rotate now, whatever the age of the key. */
  rotateNow: boolean
  /** ID of a revoked key. */
  revoke: string | undefined
  /** Whether every running server has loaded this key. */
  everyServerKnows: (kid: string) => boolean
}

/** Generates the key material; the decision adds the times. */
export type GenerateKey = (algorithm: SigningAlgorithm) => Pick<KeySetEntry, 'kid' | 'alg' | 'jwk'>

/** Decision about the key set. */
export type SigningKeysDecision =
  | {
      kind: 'keep' | 'write'
      keySet: KeySetFile
      /** Why it is written; empty if it is unchanged. */
      why: string
      /** When time alone, or the keys that servers have loaded, will change this decision. */
      nextChangeAt: Date
      /** The key to revoke existed, and has been removed. */
      revoked: boolean
      /** The key that is waiting for servers that have not loaded it. */
      held: KeySetEntry | undefined
    }
  /** The file cannot be parsed. It is not changed: keys in it may still be needed. */
  | { kind: 'corrupt'; problem: string }

/**
 * Decides which signing keys exist. Each key signs from its `activateAt` until that of the next one, and verifies until
 * every token that it signed has expired, so a rotation rejects no token and restarts no server:
 *
 * - no file: one key, active immediately;
 * - a rotation is due: a key that becomes active once every server has loaded it, and a retirement time for the others;
 * - a key was retired long ago: it is removed;
 * - a key is revoked: it is removed immediately, and if it was the signer, its successor signs from now on.
 *
 * Except for a revocation, it never removes a key in use, and it never replaces a file that it cannot parse.
 *
 * @param existing content of `keys.json`; undefined if there is none
 */
export function decideSigningKeys(
  existing: string | undefined,
  policy: SigningKeyPolicy,
  now: Date,
  generate: GenerateKey,
): SigningKeysDecision {
  if (existing === undefined) return firstKey([], 'the first signing key', policy, now, generate)

  const parsed = parseKeySet(existing)
  if (parsed.kind === 'corrupt') return parsed

  const present = parsed.keySet.keys.filter((key) => !isRetired(key, later(now, -keptAfterRetirementSeconds)))
  const revoked = present.some(({ kid }) => kid === policy.revoke)
  const kept = revoked ? withoutRevoked(present, policy, now, generate) : present
  const newest = latestOf(kept)
  if (newest === undefined) return firstKey(kept, 'no usable signing key was left', policy, now, generate)

  const why = whyRotate(newest, policy, now)
  const keys = why === undefined ? released(kept, policy, now) : [...kept, nextKey(policy, now, generate)]
  const keySet: KeySetFile = { version: 1, keys: withRetirement(keys) }

  const whyRevoked = revoked ? `key ${policy.revoke} was revoked` : undefined
  const changed = whyRevoked ?? why ?? whatElseChanged(parsed.keySet, keySet)
  return {
    kind: changed === undefined ? 'keep' : 'write',
    keySet: changed === undefined ? parsed.keySet : keySet,
    why: changed ?? '',
    nextChangeAt: nextChange(keySet.keys, policy, now),
    revoked,
    held: heldKey(keySet.keys, policy, now),
  }
}

/** The current keys, with the pending one activated if every server has loaded it, or if no other key can sign. */
function released(keys: readonly KeySetEntry[], policy: SigningKeyPolicy, now: Date): KeySetEntry[] {
  if (signingKeyAt(keys, now) === undefined) return withSigner(keys, now)
  const held = heldKey(keys, policy, now)
  return held === undefined ? [...keys] : releaseHeld(keys, policy.everyServerKnows(held.kid), policy, now)
}

/** The keys, with the first pending one signing immediately. */
function withSigner(keys: readonly KeySetEntry[], now: Date): KeySetEntry[] {
  const ordered = byActivation(keys)
  const next = ordered.findIndex((key) => isWaiting(key, now))
  return ordered.map((key, index) => (index === next ? signingAtOnce(key, ordered.slice(0, index), now) : key))
}

function signingAtOnce(key: KeySetEntry, before: readonly KeySetEntry[], now: Date): KeySetEntry {
  const activateAt = earliest(new Date(key.activateAt), atOnce(before, now))
  return { ...key, activateAt: activateAt.toISOString() }
}

/**
 * The other keys. If there is a successor, it signs immediately: the servers have already loaded it, and one whose
 * clock is behind may still sign with the revoked key. Otherwise, a new key signs; but if the revoked key was only
 * pending, the current signer stays.
 */
function withoutRevoked(
  keys: readonly KeySetEntry[],
  policy: SigningKeyPolicy,
  now: Date,
  generate: GenerateKey,
): KeySetEntry[] {
  const ordered = byActivation(keys)
  const index = ordered.findIndex(({ kid }) => kid === policy.revoke)
  const before = ordered.slice(0, index)
  const [successor, ...rest] = ordered.slice(index + 1)
  if (successor !== undefined) return [...before, signingAtOnce(successor, before, now), ...rest]
  if (signingKeyAt(before, now) !== undefined && signingKeyAt(ordered, now)?.kid !== policy.revoke) {
    return withoutEndOfLast(before, now)
  }
  return [...before, signingAtOnce(newKey(policy, now, now, generate), before, now)]
}

/** A key whose successor is dropped before its activation continues to sign without a retirement time. */
function withoutEndOfLast(ordered: readonly KeySetEntry[], now: Date): KeySetEntry[] {
  return ordered.map((key, index) => {
    if (index < ordered.length - 1 || isRetired(key, now)) return key
    const { retireAt: _, ...withoutEnd } = key
    return withoutEnd
  })
}

function firstKey(
  others: readonly KeySetEntry[],
  why: string,
  policy: SigningKeyPolicy,
  now: Date,
  generate: GenerateKey,
): SigningKeysDecision {
  const keys = [...others, signingAtOnce(newKey(policy, now, now, generate), others, now)]
  const nextChangeAt = nextChange(keys, policy, now)
  return { kind: 'write', keySet: { version: 1, keys }, why, nextChangeAt, revoked: false, held: undefined }
}

function nextKey(policy: SigningKeyPolicy, now: Date, generate: GenerateKey): KeySetEntry {
  return newKey(policy, activationAtTheLatest(now, policy), now, generate)
}

function newKey(policy: SigningKeyPolicy, activateAt: Date, now: Date, generate: GenerateKey): KeySetEntry {
  return { ...generate(policy.algorithm), createdAt: now.toISOString(), activateAt: activateAt.toISOString() }
}

/** A pending key is a rotation in progress: no second one starts at the same time. */
function whyRotate(newest: KeySetEntry, policy: SigningKeyPolicy, now: Date): string | undefined {
  if (isWaiting(newest, now)) return undefined
  if (policy.rotateNow) return 'a rotation was requested'
  if (newest.alg !== policy.algorithm) return `the algorithm changed from ${newest.alg} to ${policy.algorithm}`
  return now >= rotationAt(newest, policy) ? `key ${newest.kid} reached its maximum age` : undefined
}

/** When the successor of a key is added, so that it becomes active at the end of the interval. */
function rotationAt(key: KeySetEntry, policy: SigningKeyPolicy): Date {
  const early = Math.max(0, policy.rotationIntervalSeconds - policy.activationDelaySeconds)
  return later(signsFrom(key), early)
}

/**
 * Gives each key except the last the time at which the last token that it signed has expired. This assumes the maximum
 * lifetime that a spec may set, not the current one, because tokens from before a change of the spec are still valid.
 * An existing retirement time stays, because the activation of the successor only moves earlier.
 */
function withRetirement(keys: readonly KeySetEntry[]): KeySetEntry[] {
  const ordered = byActivation(keys)
  return ordered.map((key, index) => {
    const successor = ordered[index + 1]
    if (successor === undefined || key.retireAt !== undefined) return key
    const expired = later(signsFrom(successor), longestAccessTokenSeconds + leewaySeconds)
    return { ...key, retireAt: expired.toISOString() }
  })
}

function whatElseChanged(before: KeySetFile, after: KeySetFile): string | undefined {
  if (after.keys.length < before.keys.length) return 'a retired signing key was removed'
  const dates = ({ keys }: KeySetFile, date: 'activateAt' | 'retireAt') =>
    byActivation(keys)
      .map((key) => Date.parse(key[date] ?? ''))
      .join()
  if (dates(before, 'activateAt') !== dates(after, 'activateAt'))
    return 'the activation time of the next signing key was set'
  return dates(before, 'retireAt') === dates(after, 'retireAt')
    ? undefined
    : 'the retirement time of a replaced signing key was set'
}

/** The next activation, retirement or rotation after `now`; soon, while a key is waiting for servers. */
function nextChange(keys: readonly KeySetEntry[], policy: SigningKeyPolicy, now: Date): Date {
  const newest = latestOf(keys)
  const held = heldKey(keys, policy, now)
  const dates = [
    ...keys.map(({ activateAt }) => new Date(activateAt)),
    ...keys.flatMap(({ retireAt }) => {
      if (retireAt === undefined) return []
      return [new Date(retireAt), later(new Date(retireAt), keptAfterRetirementSeconds)]
    }),
    ...(newest === undefined ? [] : [rotationAt(newest, policy)]),
    ...(held === undefined ? [] : [later(now, askAgainSeconds)]),
  ].filter((date) => date > now)
  return earliest(later(now, policy.rotationIntervalSeconds), ...dates)
}
