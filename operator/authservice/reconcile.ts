import type { Requeue } from '../kube/controller.ts'
import { keyOf } from '../kube/objects.ts'
import type { ClusterWriter } from './apply/cluster-writer.ts'
import type { KeptFields } from './apply/kept-fields.ts'
import type { RestartSlots } from './apply/restarts.ts'
import { withUpdateStrategies } from './apply/update-strategy.ts'
import { nothingWritten, writeChildren } from './apply/write-children.ts'
import type { ClusterReader } from './gather/cluster-reader.ts'
import { gather } from './gather/gather.ts'
import { latestValue, requestedActions } from './model/actions.ts'
import type { AuthServiceKey } from './model/auth-service-key.ts'
import type { Snapshot } from './model/snapshot.ts'
import { observePasswords } from './resources/databases/password-observation.ts'
import { type Images, render } from './resources/render.ts'
import { planRollout } from './rollout/observe/plan.ts'
import type { RolloutSlots } from './rollout/slots.ts'
import type { SecretSources } from './secrets/decision.ts'
import { planSecrets } from './secrets/plan-secrets.ts'
import type { AuthServiceMetrics } from './status/metrics.ts'
import { type Decisions, resultOf } from './status/reconcile-result.ts'
import { report } from './status/report.ts'
import { requeue } from './status/requeue.ts'
import { statusOf } from './status/status.ts'
import { blockedParts, lastRunnableRevision } from './validate/blocked-parts.ts'
import { observeDatabases, recheckOf } from './validate/database-report.ts'
import { type ValidationRules, validate, withoutForbiddenAnnotations } from './validate/validate.ts'

/** What all reconciles share. */
export interface ReconcileContext extends ValidationRules {
  reader: ClusterReader
  writer: ClusterWriter
  metrics: AuthServiceMetrics
  /** Known effects of admission policies. */
  keptFields: KeptFields
  images: Images
  /** Source of new secrets. */
  secretSources: SecretSources
  /** Limits the rollouts of all AuthServices; undefined: no limit. */
  rolloutSlots?: RolloutSlots
  /** Limits the restarts of managed databases and the replacement of edges in the same way. */
  restartSlots?: RestartSlots
}

/**
 * Reconciles one AuthService. Level-triggered: safe at any time and any number of times. Each step has a folder:
 *
 * 1. `gather/` reads the cluster into a snapshot.
 * 2. `decide` makes every decision from the snapshot and the time: `secrets/`, `validate/`, `resources/`, `rollout/`.
 * 3. `apply/` writes the difference between the desired and the live children.
 * 4. `status/` reports events, metrics and the status, and returns when the next reconcile is due.
 */
export async function reconcile(key: AuthServiceKey, context: ReconcileContext, now: Date): Promise<Requeue> {
  const snapshot = await gather(key, context.reader, now)
  if (snapshot === undefined) return forget(key, context)

  const decisions = decide(snapshot, context, now)
  const written = snapshot.resolved.suspend ? nothingWritten : await writeChildren(snapshot, decisions, context, now)

  const result = resultOf(snapshot, decisions, written)
  await report(result, statusOf(result, now), context, now)
  if (result.failure !== undefined) throw result.failure.error
  return requeue(result, now)
}

/** The AuthService is gone: Kubernetes deletes its children by their ownerReferences. */
function forget(key: AuthServiceKey, { metrics, keptFields, restartSlots }: ReconcileContext): Requeue {
  metrics.forget(key)
  keptFields.forget(keyOf({ metadata: key }))
  restartSlots?.release(keyOf({ metadata: key }))
  return { done: true }
}

/** Every decision of a reconcile. Writes nothing. */
function decide(snapshot: Snapshot, context: ReconcileContext, now: Date): Decisions {
  const { authService, resolved } = snapshot
  const requested = requestedActions(authService)
  const passwords = observePasswords(snapshot)
  const secrets = planSecrets(snapshot, { requested, passwords, sources: context.secretSources, now })

  const findings = [...validate(snapshot, context, now), ...secrets.findings]
  const blocked = blockedParts(findings)

  const allowed = withoutForbiddenAnnotations(snapshot, context)
  const rendering = render(allowed, context.images, secrets.secrets, latestValue(authService, 'restart'))

  const isBlocked = blocked.has('server')
  const runnable = isBlocked ? lastRunnableRevision(snapshot) : rendering.wanted
  const slots = resolved.suspend ? undefined : context.rolloutSlots
  const plan = planRollout(snapshot, { wanted: runnable ?? rendering.wanted, requested, isBlocked, slots }, now)

  const desired = withUpdateStrategies(rendering.childrenFor(plan.placement), snapshot)
  const databases = observeDatabases(snapshot, desired, plan.placement.migration)
  return {
    secrets,
    findings,
    blocked,
    image: rendering.wanted.image,
    hasRevision: runnable !== undefined,
    rollout: plan.rollout,
    counts: plan.rollout.counts,
    placement: plan.placement,
    desired,
    databases,
    recheck: recheckOf(databases, resolved.redis.kind),
    actionsTaken: [...secrets.actionsTaken, ...plan.actionsTaken],
  }
}
