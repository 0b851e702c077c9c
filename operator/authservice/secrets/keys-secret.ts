import { type KeySetEntry, type KeySetFile, parseKeySet } from '@authservice-operator/contract/key-set.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import { longestAccessTokenSeconds } from '../api/spec/tokens.ts'
import { type ActionTaken, annotationOf } from '../model/actions.ts'
import type { Finding } from '../model/finding.ts'
import { type LoadedKeys, podsWithout } from '../model/loaded-keys.ts'
import type { DesiredSecret, SecretData } from '../model/secret-data.ts'
import { heldKey, holdTiming } from './activation.ts'
import type { SecretPart, SecretSources, SecretsInput } from './decision.ts'
import { earliest, later } from './key-order.ts'
import { keyStatuses } from './key-statuses.ts'
import { acceptedKeysFile, type SecretNames } from './names.ts'
import { decideSigningKeys, type SigningKeyPolicy, type SigningKeysDecision } from './signing-keys.ts'

const keySetFile = 'keys.json'

/**
 * Contains the value of the last `rotate-keys`: written together with its key set, so that no value is acted upon
 * twice.
 */
export const rotatedByAnnotation = annotationOf('rotate-keys')

/** Whether a key is waiting for servers to load it, so that the operator must query them. */
export function isKeyHeld(secret: SecretData | undefined, { tokens }: ResolvedSpec, now: Date): boolean {
  const text = secret?.[keySetFile]
  if (text === undefined || tokens.signingKeys.kind === 'provided') return false
  const parsed = parseKeySet(text)
  if (parsed.kind === 'corrupt') return false
  return heldKey(parsed.keySet.keys, { ...holdTiming, ...tokens.signingKeys }, now) !== undefined
}

/** The Secret with the signing keys, after the changes that are due or requested. */
export function decideKeysSecret(input: SecretsInput, names: SecretNames, sources: SecretSources): SecretPart {
  const { resolved, existing, requested, rotatedBy, loadedKeys, now } = input
  const { signingKeys, algorithm } = resolved.tokens
  if (signingKeys.kind === 'provided') {
    const replaced = decideReplacedKeys(input, names, sources)
    return { ...replaced, actionsTaken: replaced?.actionsTaken ?? leftToOwner(input, signingKeys.secretRef.name) }
  }

  const rotation = requested.get('rotate-keys')
  const policy: SigningKeyPolicy = {
    ...holdTiming,
    ...signingKeys,
    algorithm,
    rotateNow: rotation !== undefined && rotation !== rotatedBy,
    revoke: requested.get('revoke-key'),
    everyServerKnows: (kid) => loadedKeys !== undefined && podsWithout(kid, loadedKeys).length === 0,
  }
  const name = names.keys
  const current = existing.get(name)
  const decision = decideSigningKeys(current?.[keySetFile], policy, now, sources.generateKey)
  if (decision.kind === 'corrupt') return corruptKeySet(name, current ?? {}, decision.problem)

  const unchanged = decision.kind === 'keep' ? current?.[keySetFile] : undefined
  const content = unchanged ?? `${JSON.stringify(decision.keySet, null, 2)}\n`
  return {
    secrets: [keysSecret(name, { [keySetFile]: content }, rotation ?? rotatedBy)],
    statuses: keyStatuses(name, decision.keySet.keys, policy, now),
    nextChangeAt: decision.nextChangeAt,
    changes: decision.kind === 'keep' ? [] : [{ name, why: decision.why }],
    findings: heldKeyWarnings(decision.held, loadedKeys),
    actionsTaken: keyActionsTaken(input, decision),
  }
}

/** What a rotation is waiting for. */
function heldKeyWarnings(held: KeySetEntry | undefined, loadedKeys: LoadedKeys | undefined): Finding[] {
  if (held === undefined || loadedKeys === undefined) return []
  const pods = podsWithout(held.kid, loadedKeys)
  const names = pods.length > 3 ? `${pods.slice(0, 3).join(', ')} and ${pods.length - 3} more` : pods.join(', ')
  const message = `Signing key ${held.kid} is waiting for ${names} to load it. It becomes active at ${held.activateAt} in any case.`
  return [{ kind: 'warning', condition: 'SecretsReady', reason: 'Progressing', message }]
}

function keyActionsTaken(
  { requested }: SecretsInput,
  { keySet, revoked }: Exclude<SigningKeysDecision, { kind: 'corrupt' }>,
) {
  const rotation = requested.get('rotate-keys')
  const revocation = requested.get('revoke-key')
  const latest = keySet.keys.at(-1)
  const rotated = `Key ${latest?.kid} becomes active after every server has loaded it, at ${latest?.activateAt} at the latest.`
  const dropped = revoked
    ? `Key ${revocation} is revoked.`
    : `Key ${revocation} does not exist: status.secrets lists the existing keys.`
  return [
    ...(rotation === undefined ? [] : [actionTaken('rotate-keys', rotation, rotated)]),
    ...(revocation === undefined ? [] : [actionTaken('revoke-key', revocation, dropped)]),
  ]
}

/**
 * The maximum lifetime of a token, plus the time within which servers that sign with a replaced key are gone. Seconds.
 */
const acceptedSeconds = 2 * longestAccessTokenSeconds

/**
 * The keys that the user's own keys have replaced. Tokens that they signed are accepted until the last one has expired,
 * from a second file in which each key has a retirement time; the key set itself stays unchanged, so that it can be
 * used again. Each of these keys can be revoked.
 *
 * @returns undefined if there are none, or none of them is accepted any more
 */
function decideReplacedKeys(input: SecretsInput, names: SecretNames, sources: SecretSources): SecretPart | undefined {
  const { requested, existing, resolved, rotatedBy, keysInUse, now } = input
  const current = existing.get(names.keys)
  const file = current?.[keySetFile]
  if (file === undefined) return undefined
  const revoke = requested.get('revoke-key')
  const policy: SigningKeyPolicy = {
    ...holdTiming,
    activationDelaySeconds: 0,
    rotationIntervalSeconds: Number.MAX_SAFE_INTEGER / 1000,
    algorithm: resolved.tokens.algorithm,
    rotateNow: false,
    revoke,
    everyServerKnows: () => false,
  }
  const decision = decideSigningKeys(file, policy, now, sources.generateKey)
  if (decision.kind === 'corrupt') return undefined
  const keySet = decision.revoked ? `${JSON.stringify(decision.keySet, null, 2)}\n` : file
  const before = endOf(current?.[acceptedKeysFile])
  if (!keysInUse && before !== undefined && before < now && revoke === undefined) return undefined
  const mustExtend = keysInUse && (before === undefined || before < later(now, longestAccessTokenSeconds))
  const end = before === undefined || mustExtend ? later(now, acceptedSeconds) : before
  const isAsBefore = end === before && !decision.revoked
  const accepted = isAsBefore ? (current?.[acceptedKeysFile] ?? '') : acceptedUntil(decision.keySet, end)
  const why = decision.revoked
    ? decision.why
    : isAsBefore
      ? undefined
      : `its keys are accepted until ${end.toISOString()}`
  return {
    secrets: [keysSecret(names.keys, { [keySetFile]: keySet, [acceptedKeysFile]: accepted }, rotatedBy)],
    changes: why === undefined ? [] : [{ name: names.keys, why }],
    ...(keysInUse && { nextChangeAt: later(end, -longestAccessTokenSeconds) }),
    ...(decision.revoked && {
      actionsTaken: [actionTaken('revoke-key', revoke ?? '', `Key ${revoke} is revoked.`)],
    }),
  }
}

function acceptedUntil({ keys }: KeySetFile, end: Date): string {
  const withEnd = keys.map((key) => ({
    ...key,
    retireAt: earliest(end, ...(key.retireAt === undefined ? [] : [new Date(key.retireAt)])).toISOString(),
  }))
  return `${JSON.stringify({ version: 1, keys: withEnd }, null, 2)}\n`
}

/** The latest retirement time of the accepted keys; undefined if there are none that can be parsed. */
function endOf(file: string | undefined): Date | undefined {
  const parsed = file === undefined ? undefined : parseKeySet(file)
  if (parsed?.kind !== 'valid') return undefined
  const ends = parsed.keySet.keys.map(({ retireAt }) => Date.parse(retireAt ?? ''))
  return ends.some(Number.isNaN) ? undefined : new Date(Math.max(...ends))
}

function leftToOwner({ requested }: SecretsInput, secretName: string): ActionTaken[] {
  const message = `Nothing was done: you manage the keys in Secret ${secretName}, and the operator does not change them.`
  return (['rotate-keys', 'revoke-key'] as const).flatMap((name) => {
    const value = requested.get(name)
    return value === undefined ? [] : [actionTaken(name, value, message)]
  })
}

function actionTaken(name: ActionTaken['name'], value: string, message: string): ActionTaken {
  return { name, value, message }
}

function keysSecret(name: string, data: SecretData, rotatedBy: string | undefined): DesiredSecret {
  const annotations = rotatedBy === undefined ? undefined : { [rotatedByAnnotation]: rotatedBy }
  return { name, type: 'Opaque', data, ...(annotations !== undefined && { annotations }) }
}

function corruptKeySet(name: string, data: SecretData, problem: string): SecretPart {
  const message =
    `Secret ${name} has an invalid ${keySetFile}: ${problem}. ` +
    'Restore it from a backup. Or delete the Secret: the operator creates new keys, and all access tokens become invalid.'
  return {
    secrets: [{ name, type: 'Opaque', data }],
    findings: [{ kind: 'blocking', condition: 'SecretsReady', reason: 'KeySetInvalid', message, blocks: 'server' }],
  }
}
