import { type MfaKey, parseMfaKeySet } from '@authservice-operator/contract/mfa-key-set.ts'
import { annotationOf } from '../model/actions.ts'
import type { SecretPart, SecretsInput } from './decision.ts'
import { byActivation } from './key-order.ts'
import { keyStatuses } from './key-statuses.ts'
import type { Random } from './passwords.ts'
import { dueKey, type KeySchedule, nextChange } from './scheduled-keys.ts'

export const mfaKeysFile = 'keys.json'

/** Contains the value of the last `rotate-mfa-keys`, as `rotatedByAnnotation` does for signing keys. */
export const mfaKeysRotatedByAnnotation = annotationOf('rotate-mfa-keys')

/** Generates key material; the decision adds the times. */
type GenerateMfaKey = () => Pick<MfaKey, 'kid' | 'key'>

type MfaKeysDecision =
  | {
      kind: 'keep' | 'write'
      keys: MfaKey[]
      /** Why it is written; empty if it is unchanged. */
      why: string
      /** When time alone changes this decision. */
      nextChangeAt: Date
    }
  /** The file cannot be parsed. It is not changed: stored secrets may need its keys. */
  | { kind: 'corrupt'; problem: string }

/**
 * Decides which keys encrypt the secrets of second factors. The newest active key encrypts, and every key decrypts. No
 * key is ever removed: only the database knows which secrets still need it.
 *
 * @param existing content of `keys.json`; undefined if there is none
 */
export function decideMfaKeys(
  existing: string | undefined,
  policy: KeySchedule,
  now: Date,
  generate: GenerateMfaKey,
): MfaKeysDecision {
  const parsed = existing === undefined ? undefined : parseMfaKeySet(existing)
  if (parsed?.kind === 'corrupt') return parsed
  const present = parsed?.keySet.keys ?? []
  const next = dueKey(present, 'of second factors', policy, now)
  const added = next && { ...generate(), createdAt: now.toISOString(), activateAt: next.activateAt.toISOString() }
  const keys = added === undefined ? present : [...present, added]
  return {
    kind: next === undefined ? 'keep' : 'write',
    keys,
    why: next?.why ?? '',
    nextChangeAt: nextChange(keys, policy, now),
  }
}

/**
 * The Secret with these keys. While second factors are disabled, an existing one stays unchanged: users keep their
 * factors, and need the keys when second factors are enabled again.
 */
export function decideMfaKeysSecret(input: SecretsInput, name: string, random: Random): SecretPart {
  const { resolved, existing, requested, mfaKeysRotatedBy, now } = input
  const current = existing.get(name)
  const rotation = requested.get('rotate-mfa-keys')
  if (resolved.mfa.mode === 'Disabled') {
    return {
      secrets: current === undefined ? [] : [mfaKeysSecret(name, current, mfaKeysRotatedBy)],
      actionsTaken: actionTaken(rotation, 'Nothing was done: mfa.mode is Disabled.'),
    }
  }
  const policy = {
    rotationIntervalSeconds: resolved.mfa.keyRotationIntervalSeconds,
    rotateNow: rotation !== undefined && rotation !== mfaKeysRotatedBy,
  }
  const generate = () => ({ kid: random(12).toString('base64url'), key: random(32).toString('base64url') })
  const decision = decideMfaKeys(current?.[mfaKeysFile], policy, now, generate)
  if (decision.kind === 'corrupt') {
    return corruptKeys(name, current ?? {}, mfaKeysRotatedBy, decision.problem)
  }

  const { kind, keys, why, nextChangeAt } = decision
  const unchanged = kind === 'keep' ? current?.[mfaKeysFile] : undefined
  const content = unchanged ?? `${JSON.stringify({ version: 1, keys }, null, 2)}\n`
  const newest = byActivation(keys).at(-1)
  return {
    secrets: [mfaKeysSecret(name, { [mfaKeysFile]: content }, rotation ?? mfaKeysRotatedBy)],
    statuses: keyStatuses(name, keys, policy, now),
    nextChangeAt,
    changes: kind === 'keep' ? [] : [{ name, why }],
    actionsTaken: actionTaken(
      rotation,
      `Key ${newest?.kid} encrypts from ${newest?.activateAt} on. Earlier keys stay, because they decrypt what they encrypted.`,
    ),
  }
}

function actionTaken(value: string | undefined, message: string) {
  return value === undefined ? [] : [{ name: 'rotate-mfa-keys' as const, value, message }]
}

function mfaKeysSecret(name: string, data: Readonly<Record<string, string>>, rotatedBy: string | undefined) {
  return {
    name,
    type: 'Opaque' as const,
    data,
    ...(rotatedBy !== undefined && { annotations: { [mfaKeysRotatedByAnnotation]: rotatedBy } }),
  }
}

function corruptKeys(
  name: string,
  data: Readonly<Record<string, string>>,
  rotatedBy: string | undefined,
  problem: string,
): SecretPart {
  const message =
    `Secret ${name} has an invalid ${mfaKeysFile}: ${problem}. Restore it from a backup: ` +
    'without its keys, users with a second factor can log in with recovery codes only.'
  return {
    secrets: [mfaKeysSecret(name, data, rotatedBy)],
    findings: [{ kind: 'blocking', condition: 'SecretsReady', reason: 'KeySetInvalid', message, blocks: 'server' }],
  }
}
