import { annotationOf } from '../model/actions.ts'
import type { SecretData } from '../model/secret-data.ts'
import type { SecretPart, SecretsInput } from './decision.ts'
import { byActivation } from './key-order.ts'
import { keyStatuses } from './key-statuses.ts'
import { decideOidcKeys, type GenerateOidcKey, oidcKeysFile } from './oidc-keys.ts'

/** Contains the value of the last `rotate-oidc-keys`, as `rotatedByAnnotation` does for signing keys. */
export const oidcKeysRotatedByAnnotation = annotationOf('rotate-oidc-keys')

/**
 * The Secret with these keys. While the spec has no OpenID provider, an existing one stays unchanged: applications may
 * still have ID tokens when it is turned on again.
 */
export function decideOidcKeysSecret(input: SecretsInput, name: string, generate: GenerateOidcKey): SecretPart {
  const { resolved, existing, requested, oidcKeysRotatedBy, now } = input
  const current = existing.get(name)
  const rotation = requested.get('rotate-oidc-keys')
  if (resolved.oidc === undefined) {
    return {
      secrets: current === undefined ? [] : [keysSecret(name, current, oidcKeysRotatedBy)],
      actionsTaken: actionTaken(rotation, 'Nothing was done: oidc.enabled is false.'),
    }
  }
  const policy = {
    rotationIntervalSeconds: resolved.oidc.keyRotationIntervalSeconds,
    rotateNow: rotation !== undefined && rotation !== oidcKeysRotatedBy,
    sessionSeconds: resolved.tokens.refreshTokenAbsoluteLifetimeSeconds,
  }
  const decision = decideOidcKeys(current?.[oidcKeysFile], policy, now, resolved.suspend ? undefined : generate)
  if (decision.kind === 'corrupt') return corruptKeys(name, current ?? {}, oidcKeysRotatedBy, decision.problem)

  const { kind, keys, why, nextChangeAt } = decision
  const unchanged = kind === 'keep' ? current?.[oidcKeysFile] : undefined
  const newest = byActivation(keys).at(-1)
  return {
    secrets: [
      keysSecret(
        name,
        { [oidcKeysFile]: unchanged ?? `${JSON.stringify({ version: 1, keys }, null, 2)}\n` },
        rotation ?? oidcKeysRotatedBy,
      ),
    ],
    statuses: keyStatuses(name, keys, policy, now),
    nextChangeAt,
    changes: kind === 'keep' ? [] : [{ name, why }],
    actionsTaken: actionTaken(
      rotation,
      `Key ${newest?.kid} signs ID tokens from ${newest?.activateAt} on. Earlier keys stay published until no session uses their ID tokens.`,
    ),
  }
}

function actionTaken(value: string | undefined, message: string) {
  return value === undefined ? [] : [{ name: 'rotate-oidc-keys' as const, value, message }]
}

function keysSecret(name: string, data: SecretData, rotatedBy: string | undefined) {
  return {
    name,
    type: 'Opaque' as const,
    data,
    ...(rotatedBy !== undefined && { annotations: { [oidcKeysRotatedByAnnotation]: rotatedBy } }),
  }
}

function corruptKeys(name: string, data: SecretData, rotatedBy: string | undefined, problem: string): SecretPart {
  const message =
    `Secret ${name} has an invalid ${oidcKeysFile}: ${problem}. Restore it from a backup. ` +
    'Or delete the Secret: the operator creates a new key, and applications refuse the ID tokens of the lost ones.'
  return {
    secrets: [keysSecret(name, data, rotatedBy)],
    findings: [{ kind: 'blocking', condition: 'SecretsReady', reason: 'KeySetInvalid', message, blocks: 'server' }],
  }
}
