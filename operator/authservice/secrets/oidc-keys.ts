import { isRetired } from '@authservice-operator/contract/key-set.ts'
import { leewaySeconds } from '@authservice-operator/contract/limits.ts'
import { type OidcKey, parseOidcKeySet } from '@authservice-operator/contract/oidc-key-set.ts'
import { byActivation, keptAfterRetirementSeconds, later, latest, signsFrom } from './key-order.ts'
import { dueKey, type KeySchedule, nextChange } from './scheduled-keys.ts'

export const oidcKeysFile = 'keys.json'

/** Policy of rotations. */
interface OidcKeyPolicy extends KeySchedule {
  /**
   * Time for which a replaced key stays published: a client presents an ID token when its user logs out, which is as
   * late as the session may last.
   */
  sessionSeconds: number
}

/** Generates key material; the decision adds the times. */
export type GenerateOidcKey = () => Pick<OidcKey, 'kid' | 'alg' | 'jwk'>

type OidcKeysDecision =
  | {
      kind: 'keep' | 'write'
      keys: OidcKey[]
      /** Why it is written; empty if it is unchanged. */
      why: string
      /** When time alone changes this decision. */
      nextChangeAt: Date
    }
  /** The file cannot be parsed. It is not changed: ID tokens in use may need its keys. */
  | { kind: 'corrupt'; problem: string }

/**
 * Decides which RS256 keys sign ID tokens. The newest active key signs. A replaced key verifies until no session can
 * exist that began with one of its ID tokens, and is then removed.
 *
 * @param existing content of `keys.json`; undefined if there is none
 * @param generate undefined: nothing is written, so no key is added
 */
export function decideOidcKeys(
  existing: string | undefined,
  policy: OidcKeyPolicy,
  now: Date,
  generate: GenerateOidcKey | undefined,
): OidcKeysDecision {
  const parsed = existing === undefined ? undefined : parseOidcKeySet(existing)
  if (parsed?.kind === 'corrupt') return parsed
  const before = parsed?.keys ?? []
  const present = before.filter((key) => !isRetired(key, later(now, -keptAfterRetirementSeconds)))
  const next = dueKey(present, 'of ID tokens', policy, now)
  const added = next &&
    generate && { ...generate(), createdAt: now.toISOString(), activateAt: next.activateAt.toISOString() }
  const keys = withRetirement(added === undefined ? present : [...present, added], policy)
  const why = (added && next?.why) ?? whatElseChanged(before, keys)
  return {
    kind: why === undefined ? 'keep' : 'write',
    keys: why === undefined ? before : keys,
    why: why ?? '',
    nextChangeAt: nextChange(keys, policy, now),
  }
}

/**
 * Each key except the last one, with the time at which the last session that began under it ends. A longer lifetime of
 * sessions extends it, and a shorter one changes nothing, because earlier sessions keep theirs.
 */
function withRetirement(keys: readonly OidcKey[], { sessionSeconds }: OidcKeyPolicy): OidcKey[] {
  const ordered = byActivation(keys)
  return ordered.map((key, index) => {
    const successor = ordered[index + 1]
    if (successor === undefined) return key
    const end = later(signsFrom(successor), sessionSeconds + leewaySeconds)
    return {
      ...key,
      retireAt: latest(end, ...(key.retireAt === undefined ? [] : [new Date(key.retireAt)])).toISOString(),
    }
  })
}

function whatElseChanged(before: readonly OidcKey[], after: readonly OidcKey[]): string | undefined {
  if (after.length < before.length) return 'a retired key of ID tokens was removed'
  const ends = (keys: readonly OidcKey[]) => byActivation(keys).map(({ retireAt }) => Date.parse(retireAt ?? ''))
  return ends(before).join() === ends(after).join() ? undefined : 'a retirement time of a key of ID tokens was set'
}
