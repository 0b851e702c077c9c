import type { KeySetEntry } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'
import { annotationOf, type TakenAction } from '../actions.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Finding } from '../finding.ts'
import { type LoadedKeys, podsWithout } from '../loaded-keys.ts'
import { heldKey, holdTiming } from './activation.ts'
import type { SecretPart, SecretSources, SecretsInput } from './decide-secrets.ts'
import { parseKeySet } from './key-set-file.ts'
import type { SecretNames } from './names.ts'
import type { DesiredSecret, SecretData } from './secret-data.ts'
import { signingKeyStatuses } from './signing-key-statuses.ts'
import { decideSigningKeys, type SigningKeyPolicy, type SigningKeysDecision } from './signing-keys.ts'

const keySetFile = 'keys.json'

/** Carries the value of the last `rotate-keys`: written together with its key set, so it is never acted upon twice. */
export const rotatedByAnnotation = annotationOf('rotate-keys')

/** Whether a key waits for servers to load it, so that they have to be asked. */
export function isKeyHeld(secret: SecretData | undefined, { tokens }: ResolvedSpec, now: Date): boolean {
  const text = secret?.[keySetFile]
  if (text === undefined || tokens.signingKeys.kind === 'provided') return false
  const parsed = parseKeySet(text)
  if (parsed.kind === 'corrupt') return false
  return heldKey(parsed.keySet.keys, { ...holdTiming, ...tokens.signingKeys }, now) !== undefined
}

/** The Secret with the signing keys: what the dates and the actions make of it. */
export function decideKeysSecret(input: SecretsInput, names: SecretNames, sources: SecretSources): SecretPart {
  const { resolved, existing, asked, rotatedBy, loadedKeys, now } = input
  const { signingKeys, algorithm } = resolved.tokens
  if (signingKeys.kind === 'provided') return { taken: leftToOwner(input, signingKeys.secretRef.name) }

  const rotation = asked.get('rotate-keys')
  const policy: SigningKeyPolicy = {
    ...holdTiming,
    ...signingKeys,
    algorithm,
    rotateNow: rotation !== undefined && rotation !== rotatedBy,
    revoke: asked.get('revoke-key'),
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
    statuses: signingKeyStatuses(name, decision.keySet, policy, now),
    nextChangeAt: decision.nextChangeAt,
    changes: decision.kind === 'keep' ? [] : [{ name, why: decision.why }],
    findings: noteHeldKey(decision.held, loadedKeys),
    taken: takenActions(input, decision),
  }
}

/** What a rotation waits for, while it does. */
function noteHeldKey(held: KeySetEntry | undefined, loadedKeys: LoadedKeys | undefined): Finding[] {
  if (held === undefined || loadedKeys === undefined) return []
  const pods = podsWithout(held.kid, loadedKeys)
  const names = pods.length > 3 ? `${pods.slice(0, 3).join(', ')} and ${pods.length - 3} more` : pods.join(', ')
  const message = `Signing key ${held.kid} waits until ${names} has loaded it, and signs from ${held.activateAt} on in any case.`
  return [{ kind: 'note', condition: 'SecretsReady', reason: 'Progressing', message }]
}

function takenActions({ asked }: SecretsInput, { keySet, revoked }: Exclude<SigningKeysDecision, { kind: 'corrupt' }>) {
  const rotation = asked.get('rotate-keys')
  const revocation = asked.get('revoke-key')
  const latest = keySet.keys.at(-1)
  const rotated = `Key ${latest?.kid} signs once every server has loaded it, from ${latest?.activateAt} on at the latest.`
  const dropped = revoked
    ? `Key ${revocation} is refused from now on.`
    : `There is no key ${revocation}: status.secrets lists those that there are.`
  return [
    ...(rotation === undefined ? [] : [taken('rotate-keys', rotation, rotated)]),
    ...(revocation === undefined ? [] : [taken('revoke-key', revocation, dropped)]),
  ]
}

function leftToOwner({ asked }: SecretsInput, secretName: string): TakenAction[] {
  const message = `Nothing was done: the keys of Secret ${secretName} are yours, and the operator does not change them.`
  return (['rotate-keys', 'revoke-key'] as const).flatMap((name) => {
    const value = asked.get(name)
    return value === undefined ? [] : [taken(name, value, message)]
  })
}

function taken(name: TakenAction['name'], value: string, message: string): TakenAction {
  return { name, value, message }
}

function keysSecret(name: string, data: SecretData, rotatedBy: string | undefined): DesiredSecret {
  const annotations = rotatedBy === undefined ? undefined : { [rotatedByAnnotation]: rotatedBy }
  return { name, type: 'Opaque', data, ...(annotations !== undefined && { annotations }) }
}

function corruptKeySet(name: string, data: SecretData, problem: string): SecretPart {
  const message =
    `Secret ${name} has a ${keySetFile} that cannot be used: ${problem}. ` +
    'Restore it from a backup; or delete the Secret, then new keys are made and every access token ends.'
  return {
    secrets: [{ name, type: 'Opaque', data }],
    findings: [{ kind: 'stall', condition: 'SecretsReady', reason: 'KeySetInvalid', message }],
  }
}
