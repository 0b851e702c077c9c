import { isDeepStrictEqual } from 'node:util'
import { isNotFound } from '../kube/errors.ts'
import type { TakenAction } from './actions.ts'
import { announceActions, announceTransitions } from './announcements.ts'
import type { AuthServiceStatus } from './api/schema.ts'
import type { Cluster } from './cluster.ts'
import type { AuthServiceMetrics } from './metrics.ts'
import { observedOf } from './observed.ts'
import { announceRollout, endedRollout } from './rollout/history.ts'
import type { Snapshot } from './snapshot.ts'

/** Writes the status in one request, and only when it changed; one event for each transition. */
export async function report(
  snapshot: Snapshot,
  { status, taken }: { status: AuthServiceStatus; taken: readonly TakenAction[] },
  { cluster, metrics }: { cluster: Cluster; metrics: AuthServiceMetrics },
  now: Date,
): Promise<void> {
  const { authService, resolved } = snapshot
  metrics.observe(observedOf(snapshot, status))
  // undefined and a missing field are the same in JSON.
  if (isDeepStrictEqual(asWritten(status), authService.status)) return
  try {
    await cluster.writeStatus(authService, status)
  } catch (error) {
    if (isNotFound(error)) return // deleted in the meantime
    throw error
  }
  const ended = endedRollout(authService.status, status, now)
  if (ended !== undefined) metrics.rollouts.observeEnd(resolved.rollout.strategy, ended)
  const events = [
    ...announceActions(taken),
    ...announceRollout(authService.status, status, now),
    ...announceTransitions(authService.status, status),
  ]
  for (const event of events) cluster.announce(authService, event)
}

/** The status as it comes back from the API server. */
function asWritten(status: AuthServiceStatus): AuthServiceStatus {
  return JSON.parse(JSON.stringify(status))
}
