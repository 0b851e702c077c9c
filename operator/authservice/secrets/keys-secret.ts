import { annotationOf, type TakenAction } from '../actions.ts'
import type { SecretPart, SecretSources, SecretsInput } from './decide-secrets.ts'
import type { SecretNames } from './names.ts'
import type { DesiredSecret, SecretData } from './secret-data.ts'
import {
  decideSigningKeys,
  type SigningKeyPolicy,
  type SigningKeysDecision,
  signingKeyStatuses,
} from './signing-keys.ts'

const keySetFile = 'keys.json'

/** Carries the value of the last `rotate-keys`: written together with its key set, so it is never acted upon twice. */
export const rotatedByAnnotation = annotationOf('rotate-keys')

/** The Secret with the signing keys: what the dates and the actions make of it. */
export function decideKeysSecret(input: SecretsInput, names: SecretNames, sources: SecretSources): SecretPart {
  const { resolved, existing, asked, rotatedBy, now } = input
  const { signingKeys, algorithm } = resolved.tokens
  if (signingKeys.kind === 'provided') return { taken: leftToOwner(input, signingKeys.secretRef.name) }

  const rotation = asked.get('rotate-keys')
  const policy: SigningKeyPolicy = {
    ...signingKeys,
    algorithm,
    rotateNow: rotation !== undefined && rotation !== rotatedBy,
    revoke: asked.get('revoke-key'),
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
    taken: takenActions(input, decision),
  }
}

function takenActions({ asked }: SecretsInput, decision: Exclude<SigningKeysDecision, { kind: 'corrupt' }>) {
  const rotation = asked.get('rotate-keys')
  const revocation = asked.get('revoke-key')
  const latest = decision.keySet.keys.at(-1)
  return [
    ...(rotation === undefined
      ? []
      : [taken('rotate-keys', rotation, `Key ${latest?.kid} signs from ${latest?.activateAt} on.`)]),
    ...(revocation === undefined
      ? []
      : [
          taken(
            'revoke-key',
            revocation,
            decision.revoked
              ? `Key ${revocation} is refused from now on.`
              : `There is no key ${revocation}: status.secrets lists those that there are.`,
          ),
        ]),
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
