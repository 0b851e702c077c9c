import type { RequestedActions } from '../model/actions.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { decideSecrets } from './decide-secrets.ts'
import type { SecretSources, SecretsDecision } from './decision.ts'
import { providersFileOf } from './identity-providers.ts'
import { rotatedByAnnotation } from './keys-secret.ts'
import { mfaKeysRotatedByAnnotation } from './mfa-keys.ts'
import { areKeysInUse } from './mounted-secrets.ts'
import { secretNames } from './names.ts'
import { oidcKeysRotatedByAnnotation } from './oidc-keys-secret.ts'
import type { RotationObservation } from './password-rotation.ts'

/** Inputs of the decision about Secrets that are not in the snapshot. */
export interface SecretsContext {
  requested: RequestedActions
  /** Whether the databases and the pods use the passwords. */
  passwords: Pick<RotationObservation, 'databasesDone' | 'podsDone'>
  sources: SecretSources
  now: Date
}

/** Decides the operator's own Secrets from a snapshot. */
export function planSecrets(
  snapshot: Snapshot,
  { requested, passwords, sources, now }: SecretsContext,
): SecretsDecision {
  const { authService, resolved, ownSecrets, loadedKeys } = snapshot
  const names = secretNames(authService.metadata.name)
  const decision = decideSecrets(
    {
      metadata: authService.metadata,
      resolved,
      existing: ownSecrets,
      requested,
      rotatedBy: lastRotation(snapshot, names.keys, rotatedByAnnotation),
      mfaKeysRotatedBy: lastRotation(snapshot, names.mfaKeys, mfaKeysRotatedByAnnotation),
      oidcKeysRotatedBy: lastRotation(snapshot, names.oidcKeys, oidcKeysRotatedByAnnotation),
      loadedKeys,
      oidcClients: snapshot.oidcClients?.content,
      identityProviders: providersFileOf(resolved, snapshot.referencedSecrets),
      keysInUse: areKeysInUse(snapshot),
      passwords,
      now,
    },
    sources,
  )
  return resolved.suspend ? existingOnly(decision, ownSecrets) : decision
}

/** The value of the action that led to the current keys of a Secret. */
function lastRotation(snapshot: Snapshot, secret: string, annotation: string): string | undefined {
  return findChild(snapshot, 'Secret', secret)?.metadata.annotations?.[annotation]
}

/**
 * While nothing is written, each reconcile generates new Secrets: neither a revision nor the status may depend on them.
 */
function existingOnly(decision: SecretsDecision, ownSecrets: Snapshot['ownSecrets']): SecretsDecision {
  const exists = ({ name }: { name: string }) => ownSecrets.has(name)
  return { ...decision, secrets: decision.secrets.filter(exists), statuses: decision.statuses.filter(exists) }
}
