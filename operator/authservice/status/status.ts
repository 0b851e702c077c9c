import type { AuthServiceStatus } from '../api/schema.ts'
import { versionOf } from '../api/server-image.ts'
import { childrenWritten, secretsWritten } from '../apply/write-children.ts'
import { wantedMonitoring } from '../resources/monitoring/wanted.ts'
import { finishedJobs } from '../rollout/observe/finished-jobs.ts'
import { missingSecrets, observedSecretStatuses } from '../secrets/observed-secrets.ts'
import { observeBackup } from '../validate/backup-state.ts'
import { evaluateChecklist, productionReady } from './checklist.ts'
import { componentConditions } from './components.ts'
import { composeStatus } from './compose-status.ts'
import type { ReconcileResult } from './reconcile-result.ts'

/** The status of an AuthService after a reconcile. */
export function statusOf(result: ReconcileResult, now: Date): AuthServiceStatus {
  const { snapshot, secrets, rollout, placement, databases, findings, image, failure, actionsTaken } = result
  const { authService, resolved, referencedSecrets, exposure } = snapshot
  const observedSecrets = { found: new Set(snapshot.ownSecrets.keys()), written: secretsWritten(result.written) }
  const checklist = evaluateChecklist({
    name: authService.metadata.name,
    spec: authService.spec,
    resolved,
    findings,
    version: versionOf(image),
    secrets: referencedSecrets,
    annotations: authService.metadata.annotations ?? {},
    backup: observeBackup(snapshot),
    monitoring: wantedMonitoring(resolved.monitoring, exposure.availabilities),
  })
  const components = componentConditions({
    snapshot,
    findings,
    rollout,
    databases,
    written: childrenWritten(result.written),
    missingSecrets: missingSecrets(secrets, observedSecrets),
    now,
  })
  return composeStatus(
    {
      snapshot,
      rollout,
      revisions: placement.revisions,
      finishedJobs: finishedJobs(snapshot, placement, result.recheck),
      components,
      production: productionReady(checklist, resolved.environment),
      findings,
      checklist,
      secrets: observedSecretStatuses(secrets, authService.status?.secrets ?? [], observedSecrets),
      actionsTaken,
      image,
      failure: failure?.message,
    },
    now,
  )
}
