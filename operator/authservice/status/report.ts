import { isDeepStrictEqual } from 'node:util'
import { isNotFound } from '../../kube/errors.ts'
import type { AuthServiceStatus } from '../api/schema.ts'
import type { ClusterWriter } from '../apply/cluster-writer.ts'
import { secretsWritten } from '../apply/write-children.ts'
import type { EventToRecord } from '../model/event.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { endedRollout, eventsForRollout } from '../rollout/observe/history.ts'
import {
  eventsForActions,
  eventsForAdoption,
  eventsForPolicies,
  eventsForSecrets,
  eventsForStoppedDatabases,
  eventsForTransitions,
  eventsForWarnings,
  eventsForWrites,
} from './events.ts'
import type { AuthServiceMetrics } from './metrics.ts'
import { observedOf } from './observed.ts'
import type { ReconcileResult } from './reconcile-result.ts'

interface ReportContext {
  writer: ClusterWriter
  metrics: AuthServiceMetrics
}

/**
 * Reports the results of a reconcile: events, metrics and the status, which is written in one request and only if it
 * changed.
 */
export async function report(
  result: ReconcileResult,
  status: AuthServiceStatus,
  { writer, metrics }: ReportContext,
  now: Date,
): Promise<void> {
  const { snapshot, actionsTaken } = result
  const { authService, resolved } = snapshot
  const before = authService.status
  const record = (events: readonly EventToRecord[]) => {
    for (const event of events) writer.recordEvent(authService, event)
  }
  record(eventsForWritten(result))
  metrics.observe(observedOf(snapshot, status))
  if (await writeStatus(snapshot, status, writer)) {
    const ended = endedRollout(before, status, now)
    if (ended !== undefined) metrics.rollouts.observeEnd(resolved.rollout.strategy, ended)
    record(eventsForActions(actionsTaken))
    record(eventsForRollout(before, status, now))
    record(eventsForTransitions(before, status))
  }
  record(eventsForPolicies(result.keptFindings, before))
  record(eventsForWarnings(result.findings, before))
}

function eventsForWritten({ snapshot, secrets, written }: ReconcileResult): EventToRecord[] {
  const { authService, ownSecrets, keptVolume } = snapshot
  const { name } = authService.metadata
  return [
    ...eventsForSecrets(name, secrets.changes, {
      known: new Set(authService.status?.secrets?.map((secret) => secret.name)),
      existing: new Set(ownSecrets.keys()),
      written: secretsWritten(written),
    }),
    ...eventsForWrites(written, new Set(secrets.changes.map((change) => change.name))),
    ...eventsForAdoption(written.adopted),
    ...eventsForStoppedDatabases(name, written, keptVolume),
  ]
}

/**
 * @returns whether the status was written: it is not if it has not changed, or if the AuthService was deleted meanwhile
 */
async function writeStatus(
  { authService }: Snapshot,
  status: AuthServiceStatus,
  writer: ClusterWriter,
): Promise<boolean> {
  // undefined and a missing field are equal in JSON.
  if (isDeepStrictEqual(asWritten(status), authService.status)) return false
  try {
    await writer.writeStatus(authService, status)
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** The status in the form in which the API server returns it. */
function asWritten(status: AuthServiceStatus): AuthServiceStatus {
  return JSON.parse(JSON.stringify(status))
}
