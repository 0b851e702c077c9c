import type { KeySetEntry, KeySetFile } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'
import { longestAccessTokenSeconds } from '../api/spec/security.ts'
import { type ActivationTiming, activationAtTheLatest, askAgainSeconds, heldKey, releaseHeld } from './activation.ts'
import {
  atOnce,
  byActivation,
  earliest,
  isRetired,
  isWaiting,
  keptAfterRetirementSeconds,
  later,
  latestOf,
  signerOf,
  signsFrom,
} from './key-order.ts'
import { parseKeySet } from './key-set-file.ts'

export type SigningAlgorithm = KeySetEntry['alg']

/** What a rotation is decided by. All times in seconds. */
export interface SigningKeyPolicy extends ActivationTiming {
  algorithm: SigningAlgorithm
  /** Time from one key's activation to the next one's. */
  rotationIntervalSeconds: number
  /** True: rotate now, whatever the age of the key. */
  rotateNow: boolean
  /** Id of a key that nobody may trust any longer. */
  revoke: string | undefined
  /** Whether every server that runs has loaded this key. */
  everyServerKnows: (kid: string) => boolean
}

/** Clock difference that servers forgive, RFC 7519 section 4.1.4. The same 30 s that the server grants. */
export const leewaySeconds = 30

/** Makes the key material; the decision adds the times. */
export type GenerateKey = (algorithm: SigningAlgorithm) => Pick<KeySetEntry, 'kid' | 'alg' | 'jwk'>

/** What is to become of the key set. */
export type SigningKeysDecision =
  | {
      kind: 'keep' | 'write'
      keySet: KeySetFile
      /** Why it is written; empty when it is kept. */
      why: string
      /** When time alone, or what the servers know, will change this decision. */
      nextChangeAt: Date
      /** The key to revoke was there, and is no longer. */
      revoked: boolean
      /** The key that waits for servers that have not loaded it. */
      held: KeySetEntry | undefined
    }
  /** The file cannot be read. It is left alone: keys in it may still be needed. */
  | { kind: 'corrupt'; problem: string }

/**
 * Decides which signing keys there are. Each key signs from its `activateAt` until the next one's, and verifies until
 * every token that it signed has expired, so a rotation rejects no token and restarts no server:
 *
 * - no file: one key, active at once;
 * - a rotation is due: a key that becomes active once every server knows it, and a date of retirement for the others;
 * - a key is long past its retirement: it goes;
 * - a key is revoked: it goes at once, and if it was the signer, its successor signs from now on.
 *
 * But for a revocation it never takes away a key that is in use; and it never replaces a file that it cannot read.
 *
 * @param existing content of `keys.json`; undefined when there is none
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
  if (newest === undefined) return firstKey(kept, 'no signing key was left in use', policy, now, generate)

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

/** The keys as they are, with the one that waits let go when every server knows it, or when nobody signs without it. */
function released(keys: readonly KeySetEntry[], policy: SigningKeyPolicy, now: Date): KeySetEntry[] {
  if (signerOf(keys, now) === undefined) return withSigner(keys, now)
  const held = heldKey(keys, policy, now)
  return held === undefined ? [...keys] : releaseHeld(keys, policy.everyServerKnows(held.kid), policy, now)
}

/** The keys with the first one that waits signing at once. */
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
 * The other keys. Its successor, if there is one, signs at once: the servers know it already, and one whose clock is
 * behind may still sign with the revoked key. Else a new key does; unless the revoked one only waited, for then the
 * present signer goes on.
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
  if (signerOf(before, now) !== undefined && signerOf(ordered, now)?.kid !== policy.revoke) {
    return withoutEndOfLast(before, now)
  }
  return [...before, signingAtOnce(newKey(policy, now, now, generate), before, now)]
}

/** A key whose successor is dropped before its time signs on without an end. */
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

/** A key that waits for its activation is a rotation under way: no second one starts beside it. */
function whyRotate(newest: KeySetEntry, policy: SigningKeyPolicy, now: Date): string | undefined {
  if (isWaiting(newest, now)) return undefined
  if (policy.rotateNow) return 'a rotation was asked for'
  if (newest.alg !== policy.algorithm)
    return `tokens are to be signed with ${policy.algorithm} instead of ${newest.alg}`
  return now >= rotationAt(newest, policy) ? `key ${newest.kid} reached its age` : undefined
}

/** When the successor of a key is added, so that it becomes active at the end of the interval. */
function rotationAt(key: KeySetEntry, policy: SigningKeyPolicy): Date {
  const early = Math.max(0, policy.rotationIntervalSeconds - policy.activationDelaySeconds)
  return later(signsFrom(key), early)
}

/**
 * Gives each key but the last the date at which the last token that it signed has expired. That is reckoned with the
 * longest life a spec may give a token, not with today's: tokens signed before a change of the spec live on. A date
 * that was given once stays, for the successor's activation only ever comes nearer.
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
  if (after.keys.length < before.keys.length) return 'a retired signing key was dropped'
  const dates = ({ keys }: KeySetFile, date: 'activateAt' | 'retireAt') =>
    byActivation(keys)
      .map((key) => Date.parse(key[date] ?? ''))
      .join()
  if (dates(before, 'activateAt') !== dates(after, 'activateAt')) return 'the date of the next signing key was set'
  return dates(before, 'retireAt') === dates(after, 'retireAt')
    ? undefined
    : 'a replaced signing key got its date of retirement'
}

/** The next activation, retirement or rotation after `now`; soon, while a key waits for servers. */
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
