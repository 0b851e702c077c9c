import {
  type AnalysisResult,
  type Color,
  colors,
  emptyMemory,
  type MigrationResult,
  type ObservedColor,
  type RolloutDecision,
  type RolloutMemory,
  type RolloutOrders,
  type RolloutPolicy,
  type RolloutWorld,
  type SmokeTestResult,
} from './world.ts'

/**
 * A cluster in miniature, for tests: Deployments that roll, Services whose endpoints lag behind, tests and traffic that
 * pass or fail by what a revision is. Nothing happens in it unless a test makes it happen, so every order can be tried.
 */
export interface SimulatedWorld {
  /** Milliseconds. */
  now: number
  policy: RolloutPolicy
  replicas: number
  autoscaled: boolean
  specRevision: string
  /** What every server needs is away: none is ready. */
  isAway: boolean
  deployments: Partial<Record<Color, SimulatedDeployment>>
  serviceColor: Color | undefined
  previewColor: Color | undefined
  endpoints: Record<Color, number>
  previewEndpoints: Record<Color, number>
  /** The Jobs that change the database, each of one try of a revision, and the revision that it was left to alone. */
  migration: SimulatedJob | undefined
  contraction: SimulatedJob | undefined
  contractedTo: string | undefined
  smokeTest: SmokeTestResult | undefined
  /** Revision whose traffic has been measured. */
  measured: string | undefined
  orders: RolloutOrders
  memory: RolloutMemory
}

interface SimulatedJob {
  revision: string
  /** By what its name differs from that of another try. */
  startedAt: number | undefined
  state: MigrationResult['state']
}

interface SimulatedDeployment {
  revision: string
  replicas: number
  /** Pods of the present template that are ready. */
  ready: number
  /** Pods of earlier templates, all ready. */
  old: number
}

/** What is wrong with a revision, by the end of its name. */
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

export function simulate(fields: Partial<SimulatedWorld> = {}): SimulatedWorld {
  return {
    now: Date.parse('2026-11-24T00:00:00Z'),
    policy: simulatedPolicy,
    replicas: 2,
    autoscaled: false,
    specRevision: 'r1',
    isAway: false,
    deployments: {},
    serviceColor: undefined,
    previewColor: undefined,
    endpoints: { blue: 0, green: 0 },
    previewEndpoints: { blue: 0, green: 0 },
    migration: undefined,
    contraction: undefined,
    contractedTo: undefined,
    smokeTest: undefined,
    measured: undefined,
    orders: {},
    memory: emptyMemory,
    ...fields,
  }
}

/** A world in which `r1` has been live in blue for long. */
export function atRest(fields: Partial<SimulatedWorld> = {}): SimulatedWorld {
  return simulate({
    deployments: { blue: { revision: 'r1', replicas: 2, ready: 2, old: 0 } },
    serviceColor: 'blue',
    endpoints: { blue: 2, green: 0 },
    memory: { ...emptyMemory, activeColor: 'blue', currentRevision: 'r1', revision: 'r1' },
    ...fields,
  })
}

/** What an operator would see of it. */
export function observe(world: SimulatedWorld): RolloutWorld {
  const { policy, replicas, autoscaled, specRevision, serviceColor, endpoints, previewEndpoints, smokeTest, orders } =
    world
  const observed = Object.entries(world.deployments).map(([color, deployment]) => [
    color,
    observeColor(deployment, world.isAway),
  ])
  return {
    policy,
    scaling: autoscaled ? { kind: 'autoscaled', minReplicas: 1 } : { kind: 'fixed', replicas },
    specRevision,
    colors: Object.fromEntries(observed),
    serviceColor,
    endpoints,
    previewEndpoints,
    migration: resultOf(world.migration, world.memory),
    contraction: resultOf(world.contraction, world.memory),
    smokeTest,
    podRevisions: podRevisionsOf(world),
    analysis: world.measured === undefined ? undefined : analysisOf(world.measured, world.isAway),
    knownRevisions: new Set([
      'r1',
      'r2',
      'r3',
      world.specRevision,
      'r2-unready',
      'r2-failing',
      'r2-slow',
      'r2-refused',
    ]),
    orders,
  }
}

/** A Job is found by its name only. */
function resultOf(job: SimulatedJob | undefined, { revision, startedAt }: RolloutMemory): MigrationResult | undefined {
  if (job === undefined || job.revision !== revision || job.startedAt !== startedAt?.getTime()) return undefined
  return { revision, state: job.state, message: job.state === 'failed' ? '2 users have one email: a, b' : 'it runs' }
}

/** Pods of an earlier template stand for any other revision. */
export function podRevisionsOf({ deployments }: SimulatedWorld): Set<string> {
  return new Set(
    Object.values(deployments).flatMap(({ revision, ready, old }) => [
      ...(ready > 0 ? [revision] : []),
      ...(old > 0 ? ['another'] : []),
    ]),
  )
}

function analysisOf(revision: string, isAway: boolean): AnalysisResult {
  if (isAway) return { revision, verdict: 'noVerdict', message: 'MongoDB is away', outage: 'now' }
  return faults.isWorse.test(revision)
    ? { revision, verdict: 'fail', message: 'p99 of 900 ms', outage: undefined }
    : { revision, verdict: 'pass', message: 'p99 of 20 ms', outage: undefined }
}

function observeColor({ revision, replicas, ready, old }: SimulatedDeployment, isAway: boolean): ObservedColor {
  return {
    revision,
    replicas,
    updatedReplicas: faults.neverReady.test(revision) ? Math.max(replicas, old) - old : ready,
    readyReplicas: isAway ? 0 : ready + old,
    availableReplicas: isAway ? 0 : ready + old,
    trouble: undefined,
    totalReplicas: faults.neverReady.test(revision) ? Math.max(replicas, old) : ready + old,
    current: true,
  }
}

/** The writes of one visit, in their order. An operator may die after any of them. */
export function writesOf(decision: RolloutDecision): ((world: SimulatedWorld) => SimulatedWorld)[] {
  const { templates, counts, activeColor, previewColor, smokeTestOf, contractionOf, ordersTaken, memory } = decision
  return [
    (world) => ({ ...world, deployments: withTemplates(world.deployments, templates) }),
    (world) => ({
      ...world,
      migration: jobOf(world.migration, decision.revision, memory),
      contraction: contractionOf === undefined ? undefined : jobOf(world.contraction, contractionOf, memory),
    }),
    (world) => ({ ...world, serviceColor: activeColor, previewColor }),
    (world) => ({ ...world, deployments: withCounts(world.deployments, counts) }),
    (world) =>
      smokeTestOf === undefined || world.smokeTest?.revision === smokeTestOf
        ? world
        : { ...world, smokeTest: { revision: smokeTestOf, state: 'running', message: 'runs' } },
    (world) => ({ ...world, memory, orders: withoutTaken(world.orders, ordersTaken) }),
  ]
}

/** Another name is another Job; the one that is not wanted any more is pruned. */
function jobOf(job: SimulatedJob | undefined, revision: string, { startedAt }: RolloutMemory): SimulatedJob {
  const name = { revision, startedAt: startedAt?.getTime() }
  return job?.revision === name.revision && job.startedAt === name.startedAt ? job : { ...name, state: 'running' }
}

function withoutTaken(orders: RolloutOrders, taken: RolloutDecision['ordersTaken']): RolloutOrders {
  return Object.fromEntries(Object.entries(orders).filter(([name]) => !taken.some((one) => one === name)))
}

function withTemplates(deployments: SimulatedWorld['deployments'], templates: RolloutDecision['templates']) {
  const changed = { ...deployments }
  for (const color of colors) {
    const revision = templates[color]
    if (revision === undefined) {
      delete changed[color] // a child that is not wanted is pruned
      continue
    }
    const before = changed[color] ?? { revision, replicas: 1, ready: 0, old: 0 }
    changed[color] =
      before.revision === revision ? before : { ...before, revision, ready: 0, old: before.ready + before.old }
  }
  return changed
}

function withCounts(deployments: SimulatedWorld['deployments'], counts: RolloutDecision['counts']) {
  const changed = { ...deployments }
  for (const color of colors) {
    const replicas = counts[color]
    const before = changed[color]
    if (replicas !== undefined && before !== undefined) changed[color] = { ...before, replicas }
  }
  return changed
}

/** The Deployment controller brings one colour as far as its pods let it: none of a bad revision replaces a good pod. */
export function rollDeployment(world: SimulatedWorld, color: Color): SimulatedWorld {
  const deployment = world.deployments[color]
  if (deployment === undefined) return world
  const { revision, replicas, ready, old } = deployment
  const isBad = faults.neverReady.test(revision)
  const rolled = isBad
    ? { ...deployment, ready: 0, old: Math.min(old, replicas) }
    : { ...deployment, ready: ready < replicas ? ready + 1 : replicas, old: Math.max(0, Math.min(old, replicas) - 1) }
  return { ...world, deployments: { ...world.deployments, [color]: rolled } }
}

/** The endpoint controller takes up what Services select. */
export function followServices(world: SimulatedWorld): SimulatedWorld {
  const pods = (color: Color) =>
    world.isAway ? 0 : (world.deployments[color]?.ready ?? 0) + (world.deployments[color]?.old ?? 0)
  const of = (selected: Color | undefined) => ({
    blue: selected === 'blue' ? pods('blue') : 0,
    green: selected === 'green' ? pods('green') : 0,
  })
  return { ...world, endpoints: of(world.serviceColor), previewEndpoints: of(world.previewColor) }
}

/** The database tells a version that it is too old as soon as what that needs is gone. */
export function finishMigration(world: SimulatedWorld): SimulatedWorld {
  const { migration, contractedTo } = world
  if (migration?.state !== 'running') return world
  const isTooOld = contractedTo !== undefined && migration.revision < contractedTo
  const state = isTooOld || faults.refusesData.test(migration.revision) ? 'failed' : 'done'
  return { ...world, migration: { ...migration, state } }
}

export function finishContraction(world: SimulatedWorld): SimulatedWorld {
  const { contraction } = world
  if (contraction?.state !== 'running') return world
  return { ...world, contraction: { ...contraction, state: 'done' }, contractedTo: contraction.revision }
}

export function finishSmokeTest(world: SimulatedWorld): SimulatedWorld {
  if (world.smokeTest?.state !== 'running') return world
  const failed = faults.failsTest.test(world.smokeTest.revision)
  const message = failed ? 'login answered 500' : 'six steps in 2 s'
  return { ...world, smokeTest: { ...world.smokeTest, state: failed ? 'failed' : 'passed', message } }
}

/** The pods of the colour with the traffic are scraped. */
export function measureTraffic(world: SimulatedWorld): SimulatedWorld {
  const live = world.serviceColor && world.deployments[world.serviceColor]
  return live === undefined || live.ready === 0 ? world : { ...world, measured: live.revision }
}

/** What every server needs goes, or comes back. The Services follow in their own time. */
export function takeAway(world: SimulatedWorld, isAway: boolean): SimulatedWorld {
  return { ...world, isAway }
}

/** A node is drained, or a container dies: the Deployment makes another pod in its own time. */
export function losePod(world: SimulatedWorld, color: Color): SimulatedWorld {
  const deployment = world.deployments[color]
  if (deployment === undefined || deployment.ready === 0) return world
  return { ...world, deployments: { ...world.deployments, [color]: { ...deployment, ready: deployment.ready - 1 } } }
}

export function passTime(world: SimulatedWorld, seconds: number): SimulatedWorld {
  return { ...world, now: world.now + seconds * 1000 }
}
