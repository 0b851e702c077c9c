import type { ConditionUpdate } from '../model/condition.ts'
import {
  autoscalerProblem,
  type Health,
  jobHealth,
  type ObservedAutoscaler,
  type ObservedJob,
  type Workload,
  workloadProblem,
} from '../model/health.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, podsOf, podsOfJob, type Snapshot } from '../model/snapshot.ts'
import { migrationPrefix } from '../resources/jobs/migration.ts'
import { type ComponentInput, componentHealth, conditionOf, liveDeployment } from './component-input.ts'

/** `WorkloadAvailable`: ready pods, on a migrated database, with a working autoscaler if the spec enables it. */
export function serverCondition(input: ComponentInput): ConditionUpdate {
  const { snapshot } = input
  const name = liveDeployment(input)
  const server = componentHealth(
    input,
    { kind: 'Deployment', name, component: 'server' },
    enoughServers(snapshot, name),
  )
  const migration = migrationHealth(input)
  if (migration?.state === 'failed') return conditionOf('WorkloadAvailable', migration)
  if (server.state !== 'ready') return conditionOf('WorkloadAvailable', server)
  if (migration?.state === 'waiting') return conditionOf('WorkloadAvailable', migration)
  return autoscalerCondition(input) ?? conditionOf('WorkloadAvailable', server)
}

/**
 * Number of server pods that is sufficient while more of them start: the minimum of the autoscaler, or the number that
 * served before the count was raised. undefined: all of them, because something prevents pods from starting, or none
 * served before.
 */
function enoughServers(snapshot: Snapshot, name: string): number | undefined {
  const { authService, resolved } = snapshot
  const workload = findChild<Workload & Manifest>(snapshot, 'Deployment', name)
  if (workload === undefined || workloadProblem(workload, podsOf(snapshot, 'server')) !== undefined) return undefined
  if (resolved.scaling.kind === 'autoscaled') return resolved.scaling.minReplicas
  const { conditions = [], readyReplicas } = authService.status ?? {}
  const wasReady = conditions.some(({ type, status }) => type === 'WorkloadAvailable' && status === 'True')
  return wasReady ? readyReplicas : undefined
}

/** The migrations of the live revision; undefined: its pods do not depend on them. */
function migrationHealth({ snapshot, databases, rollout }: ComponentInput): Health | undefined {
  const failed = failedContraction(snapshot)
  if (databases === undefined) return failed
  if (databases.state === 'replaced') {
    return { state: 'waiting', message: `Job ${databases.job} runs again, because ${databases.why}` }
  }
  // The time-to-live may have removed a complete Job.
  const health: Health =
    databases.state === 'done'
      ? { state: 'ready', message: `${databases.job} is complete` }
      : healthOfJob(snapshot, databases.job)
  if (health.state === 'failed') return { ...health, message: `${health.message}. ${howToRunAgain(databases.job)}` }
  // A new revision has its own migration, which RolloutProgressing shows.
  const isOfLive = rollout.record.currentRevision === rollout.revision
  return failed ?? (isOfLive ? health : undefined)
}

/** A failed Job that removes from the database what only earlier revisions needed. */
function failedContraction(snapshot: Snapshot): Health | undefined {
  const prefix = migrationPrefix(snapshot.authService.metadata.name, 'contract')
  return snapshot.children
    .filter(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith(prefix))
    .map(({ metadata }) => healthOfJob(snapshot, metadata.name))
    .find(({ state }) => state === 'failed')
}

function healthOfJob(snapshot: Snapshot, name: string): Health {
  return jobHealth(findChild<ObservedJob & Manifest>(snapshot, 'Job', name), name, podsOfJob(snapshot, name))
}

function howToRunAgain(job: string): string {
  return `After you have corrected the cause, delete the Job, and the operator runs it again: kubectl delete job ${job}`
}

function autoscalerCondition({ snapshot, now }: ComponentInput): ConditionUpdate | undefined {
  const problem = autoscalerProblemOf(snapshot)
  if (problem === undefined || now < problem.countsFrom) return undefined
  const { name } = snapshot.authService.metadata
  return {
    type: 'WorkloadAvailable',
    status: 'False',
    reason: 'AutoscalerFailed',
    message: `HorizontalPodAutoscaler ${name} does not scale: ${problem.message}`,
  }
}

/** Why the autoscaler cannot scale; undefined: it can, or the spec has none. */
export function autoscalerProblemOf(snapshot: Snapshot): ReturnType<typeof autoscalerProblem> {
  const { name } = snapshot.authService.metadata
  if (snapshot.resolved.scaling.kind === 'fixed') return undefined
  return autoscalerProblem(findChild<ObservedAutoscaler & Manifest>(snapshot, 'HorizontalPodAutoscaler', name))
}
