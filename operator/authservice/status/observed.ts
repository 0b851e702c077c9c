import { X509Certificate } from 'node:crypto'
import type { AuthServiceStatus } from '../api/schema.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { parseRolloutStatus } from '../rollout/rollout-status.ts'
import { secretNames } from '../secrets/names.ts'
import { observeBackup } from '../validate/backup-state.ts'
import type { ObservedAuthService } from './metrics.ts'
import { secretAges } from './secret-ages.ts'

/** The state of an AuthService after a reconcile, for the metrics. */
export function observedOf(snapshot: Snapshot, status: AuthServiceStatus): ObservedAuthService {
  const { authService, resolved } = snapshot
  const { namespace, name } = authService.metadata
  const rollout = parseRolloutStatus(status)
  return {
    namespace,
    name,
    environment: resolved.environment,
    // The serving version, without that of the spec.
    version: status.version?.replace(/ \(spec: .*/, '') ?? '',
    strategy: resolved.rollout.strategy,
    ready: status.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true,
    openChecklistItems: status.checklist?.filter(({ ok }) => !ok).length ?? 0,
    signingKey: signingKeyDates(name, status),
    certificateExpiresAt: certificateExpiry(snapshot),
    backup: observeBackup(snapshot),
    secrets: secretAges(snapshot, status),
    rolloutPhase: rollout.phase,
    lastRolloutOutcome: rollout.lastOutcome,
  }
}

/** A pending key is the next rotation; otherwise, it is the scheduled one. */
function signingKeyDates(authService: string, { secrets = [] }: AuthServiceStatus): ObservedAuthService['signingKey'] {
  const keys = secrets.filter(({ name }) => name === secretNames(authService).keys)
  const pending = keys.find(({ state }) => state === 'Pending')
  const planned = keys.find(({ nextRotationAt }) => nextRotationAt !== undefined)
  return {
    createdAt: dateOf(keys.find(({ state }) => state === 'Active')?.createdAt),
    nextRotationAt: dateOf(pending?.activateAt ?? planned?.nextRotationAt),
  }
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

function certificateExpiry({ resolved, ownSecrets, referencedSecrets }: Snapshot): Date | undefined {
  const { tls } = resolved.ingress
  if (tls.kind === 'missing') return undefined
  const pem = (ownSecrets.get(tls.secretName) ?? referencedSecrets.get(tls.secretName))?.['tls.crt']
  try {
    return pem === undefined ? undefined : new X509Certificate(pem).validToDate
  } catch {
    return undefined // IngressReady reports its problem
  }
}
