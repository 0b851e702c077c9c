/**
 * Two Deployments run the server in turn. One is live: the Service selects its pods. The other one is empty, receives
 * the next revision, or stands by for a way back.
 */
export const colors = ['blue', 'green'] as const
export type Color = (typeof colors)[number]

/** The colour beside the given one. */
export function otherColor(color: Color): Color {
  return color === 'blue' ? 'green' : 'blue'
}

/**
 * Where a rollout stands. `Stable` is at rest; `RollingBack` returns to the last good revision; the others are the way
 * of a new one, in this order. A rolling update is in `Preparing` while pods are replaced.
 */
export const rolloutPhases = [
  'Stable',
  'Preparing',
  'Testing',
  'AwaitingPromotion',
  'Promoting',
  'Verifying',
  'Retiring',
  'RollingBack',
] as const
export type RolloutPhase = (typeof rolloutPhases)[number]

/** Phases in which a revision is on its way: it has not failed, and is not proven. */
export function isUnderWay(phase: RolloutPhase): boolean {
  return !['Stable', 'Retiring', 'RollingBack'].includes(phase)
}

/** How a rollout ended. */
export const rolloutOutcomes = ['Promoted', 'RolledBack', 'Aborted', 'Superseded', 'DeadlineExceeded'] as const
export type RolloutOutcome = (typeof rolloutOutcomes)[number]

/** What the spec says about rollouts. */
export interface RolloutPolicy {
  strategy: 'RollingUpdate' | 'BlueGreen'
  /** Pods that start at the same time beside those that serve: a number, or a percentage of the wanted ones. */
  maxSurge: number | string
  /** Wall clock from the start of a revision until its pods are ready and tested. */
  progressDeadlineSeconds: number
  /** Whether a revision that fails with live traffic is taken back without being asked. */
  autoRollback: boolean
  promotion: 'Auto' | 'Manual'
  autoPromoteAfterSeconds: number
  /** How long the old colour stays whole after a promotion. */
  scaleDownDelaySeconds: number
  smokeTestEnabled: boolean
  analysisEnabled: boolean
  analysisWindowSeconds: number
}

/** `fixed`: the operator keeps this count. `autoscaled`: a HorizontalPodAutoscaler does, within its bounds. */
export type Scaling = { kind: 'fixed'; replicas: number } | { kind: 'autoscaled'; minReplicas: number }

/** What the cluster shows of one colour's Deployment. */
export interface ObservedColor {
  /** Revision of its present pod template; undefined when somebody made it unreadable. */
  revision: string | undefined
  /** Count that its `spec.replicas` asks for, whoever wrote it. */
  replicas: number
  /** Pods made from its present template. */
  updatedReplicas: number
  /** Pods, of any template, that are ready. */
  readyReplicas: number
  /** Pods, of any template, that were ready for `minReadySeconds`. */
  availableReplicas: number
  /** All its pods, those of earlier templates included. */
  totalReplicas: number
  /** Why pods of it are missing or not ready, such as a quota; undefined while nothing is known to be wrong. */
  trouble: string | undefined
  /** Its status speaks of its present spec. */
  current: boolean
}

/** How the smoke test of a revision went. */
export interface SmokeTestResult {
  revision: string
  state: 'running' | 'passed' | 'failed'
  /** The step that failed, or what passed in which time. */
  message: string
}

/** How the Job went that changes the database for a revision. */
export interface MigrationResult {
  revision: string
  /** `failed`: it is not tried again by itself. */
  state: 'running' | 'done' | 'failed'
  /** What is waited for, or why it failed: documents by id. */
  message: string
}

/** What the pods' own metrics said about a revision since a moment. */
export interface AnalysisResult {
  revision: string
  /** `noVerdict`: too few requests to judge by. */
  verdict: 'pass' | 'fail' | 'noVerdict'
  /** The figures, for a person. */
  message: string
  /** Whether a database is away for servers of every revision: that says nothing about this one. */
  outage: 'now' | 'before' | undefined
  /** A container of the revision ended: no outage of a database excuses that. */
  containerDied?: boolean
}

/** Annotations that ask for something and were not taken yet. Each names a revision. */
export interface RolloutOrders {
  promote?: string | undefined
  abort?: string | undefined
  rollbackTo?: string | undefined
}

/** Everything about the cluster that a rollout is decided on. */
export interface RolloutWorld {
  policy: RolloutPolicy
  scaling: Scaling
  /** Revision that the spec asks for. */
  specRevision: string
  colors: Partial<Record<Color, ObservedColor>>
  /** Colour that the Service selects; undefined while there is no Service, or when it selects something else. */
  serviceColor: Color | undefined
  /** Ready endpoints of the Service, by the colour of the pod behind them. */
  endpoints: Record<Color, number>
  /** Ready endpoints of the preview Service, likewise. */
  previewEndpoints: Record<Color, number>
  /** How the database was made ready for the revision that is under way. */
  migration: MigrationResult | undefined
  /** How what only earlier revisions needed was taken away. */
  contraction: MigrationResult | undefined
  smokeTest: SmokeTestResult | undefined
  analysis: AnalysisResult | undefined
  /** Revisions that some server pod runs, one that is on its way out included. */
  podRevisions: ReadonlySet<string>
  /** Revisions whose pod template is kept, so that they can run again. */
  knownRevisions: ReadonlySet<string>
  orders: RolloutOrders
}

/** What only status remembers: times and outcomes. Losing it loses those, and no request. */
export interface RolloutMemory {
  /** Colour that had the traffic, for when the Service is gone. */
  activeColor: Color | undefined
  /** The last good revision: the one that everything goes back to. */
  currentRevision: string | undefined
  phase: RolloutPhase
  /** Revision that goes out, or went out last. */
  revision: string | undefined
  /** Colour that receives it in a blue-green rollout. */
  targetColor: Color | undefined
  startedAt: Date | undefined
  /** When the phase began. */
  phaseStartedAt: Date | undefined
  /** When the revision will have failed. */
  deadline: Date | undefined
  lastOutcome: RolloutOutcome | undefined
  /** Revision that is not tried again until the spec asks for another one. */
  failedRevision: string | undefined
  /** Why it failed. */
  failure: string | undefined
  /** How the test and the traffic of `revision` were last judged. */
  smokeTest: { passed: boolean; message: string } | undefined
  analysis: { verdict: AnalysisResult['verdict']; message: string; hadOutage: boolean } | undefined
  /** Revision that a person went back to, and the one that the spec asked for then: it holds until the spec changes. */
  pin: { revision: string; insteadOf: string } | undefined
}

export const emptyMemory: RolloutMemory = {
  activeColor: undefined,
  currentRevision: undefined,
  phase: 'Stable',
  revision: undefined,
  targetColor: undefined,
  startedAt: undefined,
  phaseStartedAt: undefined,
  deadline: undefined,
  lastOutcome: undefined,
  failedRevision: undefined,
  failure: undefined,
  smokeTest: undefined,
  analysis: undefined,
  pin: undefined,
}

/** What the colours are to run, where traffic goes, and what is to be remembered. */
export interface RolloutDecision {
  /** Revision that everything is to end at. */
  revision: string
  /** Colour that the Service and the autoscaler point to. */
  activeColor: Color
  /** Colour that the preview Service points to; undefined: there is none. */
  previewColor: Color | undefined
  /** Revision that each colour's pod template is to be of. A colour that is left out is left as it is. */
  templates: Partial<Record<Color, string>>
  /** Counts to write through the scale subresource. A colour that is left out keeps the count it has. */
  counts: Partial<Record<Color, number>>
  /** Revision that a smoke test is wanted for now. */
  smokeTestOf: string | undefined
  /** Revision that the database is to be left to alone; undefined: an earlier one may come back. */
  contractionOf: string | undefined
  /** Orders that are settled, acted upon or not: they are not looked at again. */
  ordersTaken: (keyof RolloutOrders)[]
  memory: RolloutMemory
  /** True at rest: every wanted pod of the live colour runs the last good revision and is available. */
  complete: boolean
  /** What a person has to know because the rollout does not go on: the revision failed. */
  failure: string | undefined
  /** One sentence for a person: what is waited for, or that all is well. */
  message: string
  /** When time alone will change the decision. */
  requeueAfterSeconds: number | undefined
}
