import { X509Certificate } from 'node:crypto'
import type { AuthServiceStatus } from './api/schema.ts'
import { observeBackup } from './backup-state.ts'
import type { ObservedAuthService } from './metrics.ts'
import { readMemory } from './rollout/memory.ts'
import type { Snapshot } from './snapshot.ts'

/** What the metrics show of an AuthService after a visit. */
export function observedOf(snapshot: Snapshot, status: AuthServiceStatus): ObservedAuthService {
  const { authService, resolved } = snapshot
  const { namespace, name } = authService.metadata
  return {
    namespace,
    name,
    environment: resolved.environment,
    version: status.version ?? '',
    strategy: resolved.rollout.strategy,
    ready: status.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true,
    openChecklistItems: status.checklist?.filter(({ ok }) => !ok).length ?? 0,
    signingKey: signingKeyDates(status),
    certificateExpiresAt: certificateExpiry(snapshot),
    backup: observeBackup(snapshot),
    rolloutPhase: readMemory(status).phase,
  }
}

/** A key that waits for its activation is the next rotation; without one it is the one that is planned. */
function signingKeyDates({ secrets = [] }: AuthServiceStatus): ObservedAuthService['signingKey'] {
  // Of all secrets only signing keys are activated.
  const keys = secrets.filter(({ activateAt }) => activateAt !== undefined)
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
    return undefined // what is wrong with it is said in IngressReady
  }
}
