import {
  type AnalysisResult,
  type Color,
  colors,
  emptyMemory,
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
  deployments: Partial<Record<Color, SimulatedDeployment>>
  serviceColor: Color | undefined
  previewColor: Color | undefined
  endpoints: Record<Color, number>
  previewEndpoints: Record<Color, number>
  smokeTest: SmokeTestResult | undefined
  /** Revision whose traffic has been measured. */
  measured: string | undefined
  orders: RolloutOrders
  memory: RolloutMemory
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
const faults = { neverReady: /-unready$/, failsTest: /-failing$/, isWorse: /-slow$/ }

export const simulatedPolicy: RolloutPolicy = {
  strategy: 'BlueGreen',
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
    deployments: {},
    serviceColor: undefined,
    previewColor: undefined,
    endpoints: { blue: 0, green: 0 },
    previewEndpoints: { blue: 0, green: 0 },
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
  const observed = Object.entries(world.deployments).map(([color, deployment]) => [color, observeColor(deployment)])
  return {
    policy,
    scaling: autoscaled ? { kind: 'autoscaled', minReplicas: 1 } : { kind: 'fixed', replicas },
    specRevision,
    colors: Object.fromEntries(observed),
    serviceColor,
    endpoints,
    previewEndpoints,
    smokeTest,
    analysis: world.measured === undefined ? undefined : analysisOf(world.measured),
    knownRevisions: new Set(['r1', 'r2', 'r3', world.specRevision, 'r2-unready', 'r2-failing', 'r2-slow']),
    orders,
  }
}

function analysisOf(revision: string): AnalysisResult {
  return faults.isWorse.test(revision)
    ? { revision, verdict: 'fail', message: 'p99 of 900 ms' }
    : { revision, verdict: 'pass', message: 'p99 of 20 ms' }
}

function observeColor({ revision, replicas, ready, old }: SimulatedDeployment): ObservedColor {
  return {
    revision,
    replicas,
    updatedReplicas: ready,
    availableReplicas: ready + old,
    totalReplicas: faults.neverReady.test(revision) ? Math.max(replicas, old) : ready + old,
    current: true,
  }
}

/** The writes of one visit, in their order. An operator may die after any of them. */
export function writesOf(decision: RolloutDecision): ((world: SimulatedWorld) => SimulatedWorld)[] {
  const { templates, counts, activeColor, previewColor, smokeTestOf, ordersTaken, memory } = decision
  return [
    (world) => ({ ...world, deployments: withTemplates(world.deployments, templates) }),
    (world) => ({ ...world, serviceColor: activeColor, previewColor }),
    (world) => ({ ...world, deployments: withCounts(world.deployments, counts) }),
    (world) =>
      smokeTestOf === undefined || world.smokeTest?.revision === smokeTestOf
        ? world
        : { ...world, smokeTest: { revision: smokeTestOf, state: 'running', message: 'runs' } },
    (world) => ({ ...world, memory, orders: withoutTaken(world.orders, ordersTaken) }),
  ]
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
  const pods = (color: Color) => (world.deployments[color]?.ready ?? 0) + (world.deployments[color]?.old ?? 0)
  const of = (selected: Color | undefined) => ({
    blue: selected === 'blue' ? pods('blue') : 0,
    green: selected === 'green' ? pods('green') : 0,
  })
  return { ...world, endpoints: of(world.serviceColor), previewEndpoints: of(world.previewColor) }
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

export function passTime(world: SimulatedWorld, seconds: number): SimulatedWorld {
  return { ...world, now: world.now + seconds * 1000 }
}
