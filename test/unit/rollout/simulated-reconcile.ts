import { decideRollout } from '../../../operator/authservice/rollout/decide/decide.ts'
import type { RolloutDecision } from '../../../operator/authservice/rollout/decide/decision.ts'
import {
  finishContraction,
  finishMigration,
  finishSmokeTest,
  followServices,
  measureTraffic,
  observe,
  passTime,
  rollDeployment,
  type SimulatedCluster,
  writesOf,
} from './simulated-cluster.ts'

/** The decision of an operator in the current state of the cluster. */
export function decide(cluster: SimulatedCluster): RolloutDecision {
  return decideRollout(observe(cluster), cluster.record, new Date(cluster.now))
}

/** @param writes number of writes after which the reconcile ends */
export function reconcile(cluster: SimulatedCluster, writes = Number.POSITIVE_INFINITY): SimulatedCluster {
  return writesOf(decide(cluster))
    .slice(0, writes)
    .reduce((next, write) => write(next), cluster)
}

/** One step of each controller: Jobs complete, Deployments roll by one pod, endpoints follow. */
export function controllersAct(cluster: SimulatedCluster): SimulatedCluster {
  const done = finishSmokeTest(finishMigration(finishContraction(cluster)))
  return followServices(rollDeployment(rollDeployment(done, 'blue'), 'green'))
}

/** One reconcile, and one step of each controller. Nothing fails. */
export function step(cluster: SimulatedCluster): SimulatedCluster {
  return controllersAct(measureTraffic(reconcile(cluster)))
}

/** Steps that are long enough for every delay and deadline to pass in a run. */
export const longRun = { secondsPerStep: 30 }

/**
 * Alternates reconciles and steps of the controllers.
 *
 * @param act one step of the controllers
 * @returns the final cluster, and the phases on the way
 */
export function run(start: SimulatedCluster, { secondsPerStep = 1, steps = 80, act = controllersAct } = {}) {
  let cluster = start
  const phases: string[] = []
  for (let count = 0; count < steps; count++) {
    cluster = reconcile(cluster)
    if (cluster.record.phase !== phases.at(-1)) phases.push(cluster.record.phase)
    cluster = passTime(act(measureTraffic(cluster)), secondsPerStep)
  }
  return { cluster, phases }
}

/**
 * Without further external events, the operator reconciles, the controllers react, and it reconciles again when a
 * watched object has changed, or when its requeue is due.
 *
 * @returns the cluster at the next reconcile; undefined if there is none, so that nothing changes any more
 */
export function untilNextReconcile(cluster: SimulatedCluster): SimulatedCluster | undefined {
  const { requeueAfterSeconds } = decide(cluster)
  // The reconcile itself reads the metrics of the pods: they do not start a reconcile.
  const after = step(cluster)
  if (watched(after) !== watched(cluster)) return passTime(after, 0.1)
  return requeueAfterSeconds === undefined ? undefined : passTime(after, Math.max(0.1, requeueAfterSeconds))
}

/** What starts a reconcile: children, pods and endpoints. Neither the operator's own status nor time does. */
function watched(cluster: SimulatedCluster): string {
  const { now: _, record: __, actions: ___, measured: ____, ...children } = cluster
  return JSON.stringify(children)
}
