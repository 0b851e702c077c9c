import { type Color, colors } from '../../../operator/authservice/model/colors.ts'
import type { RolloutDecision } from '../../../operator/authservice/rollout/decide/decision.ts'
import type {
  AnalysisResult,
  MigrationResult,
  ObservedColor,
  RolloutActions,
  RolloutObservation,
  RolloutPolicy,
  SmokeTestResult,
} from '../../../operator/authservice/rollout/decide/observation.ts'
import { emptyRecord, type RolloutRecord } from '../../../operator/authservice/rollout/decide/record.ts'

/**
 * A small cluster for tests: Deployments that roll out, Services whose endpoints lag behind, and smoke tests and
 * traffic whose result depends on the revision. Nothing happens unless a test triggers it, so tests can try every
 * order.
 */
export interface SimulatedCluster {
  /** Milliseconds. */
  now: number
  policy: RolloutPolicy
  replicas: number
  autoscaled: boolean
  specRevision: string
  /** MongoDB is unavailable: ready servers stay ready, and no other one becomes ready. */
  hasOutage: boolean
  deployments: Partial<Record<Color, SimulatedDeployment>>
  serviceColor: Color | undefined
  previewColor: Color | undefined
  endpoints: Record<Color, number>
  previewEndpoints: Record<Color, number>
  /**
   * The migration and contraction Jobs, each of one attempt of a revision, and the revision that the database was
   * contracted for.
   */
  migration: SimulatedJob | undefined
  contraction: SimulatedJob | undefined
  contractedTo: string | undefined
  /** Every revision has the same image and database, so it adopts a Job of another one that did not fail. */
  sharesDatabase: boolean
  smokeTest: (SmokeTestResult & { count: number }) | undefined
  /** The revision whose traffic has been measured. */
  measured: string | undefined
  actions: RolloutActions
  record: RolloutRecord
}

export interface SimulatedJob {
  revision: string
  /** The suffix that distinguishes its name from that of another attempt. */
  startedAt: number | undefined
  state: MigrationResult['state']
}

interface SimulatedDeployment {
  revision: string
  replicas: number
  /** Ready pods of the current template. */
  ready: number
  /** Pods of earlier templates, all of them ready. */
  old: number
}

/** The fault of a revision, by the suffix of its name. */
const faults = { refusesData: /-refused$/, neverReady: /-unready$/, failsTest: /-failing$/, isWorse: /-slow$/ }

export const simulatedPolicy: RolloutPolicy = {
  strategy: 'BlueGreen',
  maxSurge: '100%',
  progressDeadlineSeconds: 600,
  autoRollback: true,
  promotion: 'Auto',
  autoPromoteAfterSeconds: 0,
  scaleDownDelaySeconds: 300,
  smokeTestEnabled: true,
  analysisEnabled: true,
  analysisWindowSeconds: 60,
}

export function simulate(fields: Partial<SimulatedCluster> = {}): SimulatedCluster {
  return {
    now: Date.parse('2026-11-24T00:00:00Z'),
    policy: simulatedPolicy,
    replicas: 2,
    autoscaled: false,
    specRevision: 'r1',
    hasOutage: false,
    deployments: {},
    serviceColor: undefined,
    previewColor: undefined,
    endpoints: { blue: 0, green: 0 },
    previewEndpoints: { blue: 0, green: 0 },
    migration: undefined,
    contraction: undefined,
    contractedTo: undefined,
    sharesDatabase: false,
    smokeTest: undefined,
    measured: undefined,
    actions: {},
    record: emptyRecord,
    ...fields,
  }
}

/** A cluster in which `r1` has been live on blue for a long time. */
export function atRest(fields: Partial<SimulatedCluster> = {}): SimulatedCluster {
  return simulate({
    deployments: { blue: { revision: 'r1', replicas: 2, ready: 2, old: 0 } },
    serviceColor: 'blue',
    endpoints: { blue: 2, green: 0 },
    record: { ...emptyRecord, activeColor: 'blue', currentRevision: 'r1', revision: 'r1' },
    ...fields,
  })
}

/** What the operator observes of it. */
export function observe(cluster: SimulatedCluster): RolloutObservation {
  const { policy, replicas, autoscaled, specRevision, serviceColor, endpoints, previewEndpoints, smokeTest, actions } =
    cluster
  const observed = Object.entries(cluster.deployments).map(([color, deployment]) => [color, observeColor(deployment)])
  return {
    policy,
    scaling: autoscaled ? { kind: 'autoscaled', minReplicas: 1 } : { kind: 'fixed', replicas },
    specRevision,
    colors: Object.fromEntries(observed),
    serviceColor,
    endpoints,
    previewEndpoints,
    migration: resultOf(cluster.migration, cluster),
    contraction: resultOf(cluster.contraction, cluster),
    smokeTest: smokeTest?.count === (cluster.record.retest?.count ?? 0) ? smokeTest : undefined,
    podRevisions: podRevisionsOf(cluster),
    unavailableDatabases: cluster.hasOutage ? ['MongoDB'] : [],
    analysis: cluster.measured === undefined ? undefined : analysisOf(cluster.measured, cluster.hasOutage),
    knownRevisions: new Set([
      'r1',
      'r2',
      'r3',
      cluster.specRevision,
      'r2-unready',
      'r2-failing',
      'r2-slow',
      'r2-refused',
    ]),
    actions,
  }
}

/** A Job is found by its name. A Job of one revision counts for all revisions with the same image and database. */
function resultOf(
  job: SimulatedJob | undefined,
  { record: { revision, startedAt }, sharesDatabase }: SimulatedCluster,
): MigrationResult | undefined {
  if (job === undefined || revision === undefined) return undefined
  const isOfThisTry = job.revision === revision && job.startedAt === startedAt?.getTime()
  if (!isOfThisTry && !isTakenOver(job, sharesDatabase)) return undefined
  return {
    revision,
    state: job.state,
    message: job.state === 'failed' ? '2 users have the same email: a, b' : 'it runs',
  }
}

/** A failed Job is not adopted, so that another attempt runs it again. */
export function isTakenOver(job: SimulatedJob, sharesDatabase: boolean): boolean {
  return sharesDatabase && job.state !== 'failed'
}

/** Pods of an earlier template stand for any other revision. */
export function podRevisionsOf({ deployments }: SimulatedCluster): Set<string> {
  return new Set(
    Object.values(deployments).flatMap(({ revision, ready, old }) => [
      ...(ready > 0 ? [revision] : []),
      ...(old > 0 ? ['another'] : []),
    ]),
  )
}

function analysisOf(revision: string, hasOutage: boolean): AnalysisResult {
  if (hasOutage) return { revision, verdict: 'noVerdict', message: 'MongoDB is unavailable', outage: 'now' }
  return faults.isWorse.test(revision)
    ? { revision, verdict: 'fail', message: 'p99 of 900 ms', outage: undefined }
    : { revision, verdict: 'pass', message: 'p99 of 20 ms', outage: undefined }
}

function observeColor({ revision, replicas, ready, old }: SimulatedDeployment): ObservedColor {
  return {
    revision,
    replicas,
    updatedReplicas: faults.neverReady.test(revision) ? Math.max(replicas, old) - old : ready,
    readyReplicas: ready + old,
    availableReplicas: ready + old,
    problem: undefined,
    totalReplicas: faults.neverReady.test(revision) ? Math.max(replicas, old) : ready + old,
    current: true,
  }
}

/** The writes of one reconcile in order. An operator may terminate after any of them. */
export function writesOf(decision: RolloutDecision): ((cluster: SimulatedCluster) => SimulatedCluster)[] {
  const { templates, counts, activeColor, previewColor, smokeTestOf, contractionOf, actionsTaken, record } = decision
  return [
    (cluster) => ({ ...cluster, deployments: withTemplates(cluster.deployments, templates) }),
    (cluster) => ({
      ...cluster,
      migration: jobOf(cluster.migration, decision.revision, { ...cluster, record }),
      contraction:
        contractionOf === undefined ? undefined : jobOf(cluster.contraction, contractionOf, { ...cluster, record }),
    }),
    (cluster) => ({ ...cluster, serviceColor: activeColor, previewColor }),
    (cluster) => ({ ...cluster, deployments: withCounts(cluster.deployments, counts) }),
    (cluster) => ({ ...cluster, smokeTest: testOf(cluster.smokeTest, smokeTestOf, record.retest?.count ?? 0) }),
    (cluster) => ({ ...cluster, record, actions: withoutTaken(cluster.actions, actionsTaken) }),
  ]
}

/** Another name is another Job. Jobs that are not desired are pruned. */
function testOf(test: SimulatedCluster['smokeTest'], revision: string | undefined, count: number) {
  if (revision === undefined) return undefined
  if (test?.revision === revision && test.count === count) return test
  return { revision, count, state: 'running', message: 'runs' } as const
}

/** Another name is another Job. One that is no longer desired is pruned. */
function jobOf(
  job: SimulatedJob | undefined,
  revision: string,
  { record: { startedAt }, sharesDatabase }: SimulatedCluster,
): SimulatedJob {
  if (job !== undefined && isTakenOver(job, sharesDatabase)) return job
  const name = { revision, startedAt: startedAt?.getTime() }
  return job?.revision === name.revision && job.startedAt === name.startedAt ? job : { ...name, state: 'running' }
}

function withoutTaken(actions: RolloutActions, taken: RolloutDecision['actionsTaken']): RolloutActions {
  return Object.fromEntries(Object.entries(actions).filter(([name]) => !taken.some((one) => one === name)))
}

function withTemplates(deployments: SimulatedCluster['deployments'], templates: RolloutDecision['templates']) {
  const changed = { ...deployments }
  for (const color of colors) {
    const revision = templates[color]
    if (revision === undefined) {
      delete changed[color] // a child that is not desired is pruned
      continue
    }
    const before = changed[color] ?? { revision, replicas: 1, ready: 0, old: 0 }
    changed[color] =
      before.revision === revision ? before : { ...before, revision, ready: 0, old: before.ready + before.old }
  }
  return changed
}

function withCounts(deployments: SimulatedCluster['deployments'], counts: RolloutDecision['counts']) {
  const changed = { ...deployments }
  for (const color of colors) {
    const replicas = counts[color]
    const before = changed[color]
    if (replicas !== undefined && before !== undefined) changed[color] = { ...before, replicas }
  }
  return changed
}

/**
 * The Deployment controller advances one colour as far as its pods allow: a bad revision never replaces a ready pod.
 */
export function rollDeployment(cluster: SimulatedCluster, color: Color): SimulatedCluster {
  const deployment = cluster.deployments[color]
  if (deployment === undefined || cluster.hasOutage) return cluster
  const { revision, replicas, ready, old } = deployment
  const isBad = faults.neverReady.test(revision)
  const rolled = isBad
    ? { ...deployment, ready: 0, old: Math.min(old, replicas) }
    : { ...deployment, ready: ready < replicas ? ready + 1 : replicas, old: Math.max(0, Math.min(old, replicas) - 1) }
  return { ...cluster, deployments: { ...cluster.deployments, [color]: rolled } }
}

/** The endpoint controller follows the selectors of the Services. */
export function followServices(cluster: SimulatedCluster): SimulatedCluster {
  const pods = (color: Color) => (cluster.deployments[color]?.ready ?? 0) + (cluster.deployments[color]?.old ?? 0)
  const of = (selected: Color | undefined) => ({
    blue: selected === 'blue' ? pods('blue') : 0,
    green: selected === 'green' ? pods('green') : 0,
  })
  return { ...cluster, endpoints: of(cluster.serviceColor), previewEndpoints: of(cluster.previewColor) }
}

/** The database reports to a version that it is too old, once a contraction has removed what that version needs. */
export function finishMigration(cluster: SimulatedCluster): SimulatedCluster {
  const { migration, contractedTo } = cluster
  if (migration?.state !== 'running') return cluster
  const isTooOld = contractedTo !== undefined && migration.revision < contractedTo
  const state = isTooOld || faults.refusesData.test(migration.revision) ? 'failed' : 'done'
  return { ...cluster, migration: { ...migration, state } }
}

export function finishContraction(cluster: SimulatedCluster): SimulatedCluster {
  const { contraction } = cluster
  if (contraction?.state !== 'running') return cluster
  return { ...cluster, contraction: { ...contraction, state: 'done' }, contractedTo: contraction.revision }
}

export function finishSmokeTest(cluster: SimulatedCluster): SimulatedCluster {
  if (cluster.smokeTest?.state !== 'running') return cluster
  const failed = cluster.hasOutage || faults.failsTest.test(cluster.smokeTest.revision)
  const message = failed ? `login answered ${cluster.hasOutage ? 503 : 500}` : 'six steps in 2 s'
  return { ...cluster, smokeTest: { ...cluster.smokeTest, state: failed ? 'failed' : 'passed', message } }
}

/** Scrapes the pods of the live colour. */
export function measureTraffic(cluster: SimulatedCluster): SimulatedCluster {
  const live = cluster.serviceColor && cluster.deployments[cluster.serviceColor]
  return live === undefined || live.ready === 0 ? cluster : { ...cluster, measured: live.revision }
}

/** A database that every server needs becomes unavailable, or recovers. */
export function setOutage(cluster: SimulatedCluster, hasOutage: boolean): SimulatedCluster {
  return { ...cluster, hasOutage }
}

/** A node is drained, or a container dies. The Deployment creates another pod later. */
export function losePod(cluster: SimulatedCluster, color: Color): SimulatedCluster {
  const deployment = cluster.deployments[color]
  if (deployment === undefined || deployment.ready === 0) return cluster
  return {
    ...cluster,
    deployments: { ...cluster.deployments, [color]: { ...deployment, ready: deployment.ready - 1 } },
  }
}

export function passTime(cluster: SimulatedCluster, seconds: number): SimulatedCluster {
  return { ...cluster, now: cluster.now + seconds * 1000 }
}
