import type { KeySetEntry, KeySetFile } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'
import type { SecretStatus } from '../api/schema.ts'
import { longestAccessTokenSeconds } from '../api/spec/security.ts'
import { parseKeySet } from './key-set-file.ts'

export type SigningAlgorithm = KeySetEntry['alg']

/** What a rotation is decided by. All times in seconds. */
export interface SigningKeyPolicy {
  algorithm: SigningAlgorithm
  /** Time from one key's activation to the next one's. */
  rotationIntervalSeconds: number
  /** Time between publishing a key and signing with it. */
  activationDelaySeconds: number
  /** True: rotate now, whatever the age of the key. */
  rotateNow: boolean
  /** Id of a key that nobody may trust any longer. */
  revoke: string | undefined
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
      /** When time alone will change this decision. */
      nextChangeAt: Date
      /** The key to revoke was there, and is no longer. */
      revoked: boolean
    }
  /** The file cannot be read. It is left alone: keys in it may still be needed. */
  | { kind: 'corrupt'; problem: string }

/**
 * Decides which signing keys there are. Each key signs from its `activateAt` until the next one's, and verifies until
 * every token that it signed has expired, so a rotation rejects no token and restarts no server:
 *
 * - no file: one key, active at once;
 * - a rotation is due: a key that becomes active in `activationDelaySeconds`, and a date of retirement for the others;
 * - a key is past its retirement: it goes;
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

  const present = parsed.keySet.keys.filter((key) => !isOver(key, now))
  const revoked = present.some(({ kid }) => kid === policy.revoke)
  const kept = revoked ? withoutRevoked(present, policy, now, generate) : present
  const latest = latestOf(kept)
  if (latest === undefined) return firstKey(kept, 'no signing key was left in use', policy, now, generate)

  const why = whyRotate(latest, policy, now)
  const keys =
    why === undefined ? kept : [...kept, newKey(policy, later(now, policy.activationDelaySeconds), now, generate)]
  const keySet: KeySetFile = { version: 1, keys: withRetirement(keys) }

  const whyRevoked = revoked ? `key ${policy.revoke} was revoked` : undefined
  const changed = whyRevoked ?? why ?? whatElseChanged(parsed.keySet, keySet)
  const nextChangeAt = nextChange(keySet.keys, policy, now)
  if (changed === undefined) return { kind: 'keep', keySet: parsed.keySet, why: '', nextChangeAt, revoked }
  return { kind: 'write', keySet, why: changed, nextChangeAt, revoked }
}

/**
 * The other keys. A signer that is revoked is followed at once: by the key that waits for its turn, which the servers
 * know already, else by a new one. A key that only waited is dropped, and the present signer goes on.
 */
function withoutRevoked(
  keys: readonly KeySetEntry[],
  policy: SigningKeyPolicy,
  now: Date,
  generate: GenerateKey,
): KeySetEntry[] {
  const others = byActivation(keys.filter(({ kid }) => kid !== policy.revoke))
  const signer = signerOf(keys, now)
  if (signer?.kid !== policy.revoke) return withoutRetirementOfLast(others)

  const isWaiting = ({ activateAt }: KeySetEntry) => Date.parse(activateAt) > now.getTime()
  const waiting = others.find(isWaiting)
  const before = others.filter((key) => !isWaiting(key))
  if (waiting === undefined) return [...before, newKey(policy, now, now, generate)]
  return [...before, { ...waiting, activateAt: now.toISOString() }, ...others.slice(before.length + 1)]
}

/** The key that signs at this time: the one activated last. */
function signerOf(keys: readonly KeySetEntry[], now: Date): KeySetEntry | undefined {
  return byActivation(keys.filter((key) => Date.parse(key.activateAt) <= now.getTime() && !isOver(key, now))).at(-1)
}

/** A key whose successor is dropped before its time signs on without an end. */
function withoutRetirementOfLast(ordered: readonly KeySetEntry[]): KeySetEntry[] {
  return ordered.map((key, index) => {
    if (index < ordered.length - 1) return key
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
  const keys = [...others, newKey(policy, now, now, generate)]
  const keySet = { version: 1, keys } as const
  return { kind: 'write', keySet, why, nextChangeAt: nextChange(keys, policy, now), revoked: false }
}

function newKey(policy: SigningKeyPolicy, activateAt: Date, now: Date, generate: GenerateKey): KeySetEntry {
  return { ...generate(policy.algorithm), createdAt: now.toISOString(), activateAt: activateAt.toISOString() }
}

function isOver(key: KeySetEntry, now: Date): boolean {
  return key.retireAt !== undefined && Date.parse(key.retireAt) <= now.getTime()
}

/** The key that signs, or will sign, last. One with a date of retirement was replaced already. */
function latestOf(keys: readonly KeySetEntry[]): KeySetEntry | undefined {
  return byActivation(keys.filter(({ retireAt }) => retireAt === undefined)).at(-1)
}

function byActivation(keys: readonly KeySetEntry[]): KeySetEntry[] {
  return [...keys].sort((one, other) => Date.parse(one.activateAt) - Date.parse(other.activateAt))
}

/** A key that waits for its activation is a rotation under way: no second one starts beside it. */
function whyRotate(latest: KeySetEntry, policy: SigningKeyPolicy, now: Date): string | undefined {
  if (Date.parse(latest.activateAt) > now.getTime()) return undefined
  if (policy.rotateNow) return 'a rotation was asked for'
  if (latest.alg !== policy.algorithm)
    return `tokens are to be signed with ${policy.algorithm} instead of ${latest.alg}`
  return now >= rotationAt(latest, policy) ? `key ${latest.kid} reached its age` : undefined
}

/** When the successor of a key is added, so that it becomes active at the end of the interval. */
function rotationAt(key: KeySetEntry, policy: SigningKeyPolicy): Date {
  const early = Math.max(0, policy.rotationIntervalSeconds - policy.activationDelaySeconds)
  return later(new Date(key.activateAt), early)
}

/**
 * Gives each key but the last the date at which the last token that it signed has expired. That is reckoned with the
 * longest life a spec may give a token, not with today's: tokens signed before a change of the spec live on.
 */
function withRetirement(keys: readonly KeySetEntry[]): KeySetEntry[] {
  const ordered = byActivation(keys)
  return ordered.map((key, index) => {
    const successor = ordered[index + 1]
    if (successor === undefined || key.retireAt !== undefined) return key
    const expired = later(new Date(successor.activateAt), longestAccessTokenSeconds + leewaySeconds)
    return { ...key, retireAt: expired.toISOString() }
  })
}

function whatElseChanged(before: KeySetFile, after: KeySetFile): string | undefined {
  if (after.keys.length < before.keys.length) return 'a retired signing key was dropped'
  const retiring = ({ keys }: KeySetFile) => keys.filter(({ retireAt }) => retireAt !== undefined).length
  return retiring(after) > retiring(before) ? 'a replaced signing key got its date of retirement' : undefined
}

/** The next activation, retirement or rotation after `now`. */
function nextChange(keys: readonly KeySetEntry[], policy: SigningKeyPolicy, now: Date): Date {
  const latest = latestOf(keys)
  const dates = [
    ...keys.map(({ activateAt }) => new Date(activateAt)),
    ...keys.flatMap(({ retireAt }) => (retireAt === undefined ? [] : [new Date(retireAt)])),
    ...(latest === undefined ? [] : [rotationAt(latest, policy)]),
  ].filter((date) => date > now)
  return dates.reduce((first, date) => (date < first ? date : first), later(now, policy.rotationIntervalSeconds))
}

function later(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000)
}

/** Age and state of each key, for status. */
export function signingKeyStatuses(
  secretName: string,
  { keys }: KeySetFile,
  policy: SigningKeyPolicy,
  now: Date,
): SecretStatus[] {
  const ordered = byActivation(keys)
  const active = ordered.filter(({ activateAt }) => Date.parse(activateAt) <= now.getTime()).at(-1)
  const latest = latestOf(keys)
  return ordered.map((key) => ({
    name: secretName,
    keyId: key.kid,
    state: isOver(key, now) ? 'Retired' : stateOf(key, active, now),
    createdAt: seconds(key.createdAt),
    activateAt: seconds(key.activateAt),
    ...(key.retireAt === undefined ? {} : { retireAt: seconds(key.retireAt) }),
    ...(key === latest
      ? { nextRotationAt: seconds(later(rotationAt(key, policy), policy.activationDelaySeconds).toISOString()) }
      : {}),
  }))
}

function stateOf(key: KeySetEntry, active: KeySetEntry | undefined, now: Date): SecretStatus['state'] {
  if (Date.parse(key.activateAt) > now.getTime()) return 'Pending'
  return key === active ? 'Active' : 'Accepted'
}

/** meta/v1 Time has no fractions of seconds. */
function seconds(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z')
}
