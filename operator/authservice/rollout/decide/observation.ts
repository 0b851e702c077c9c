import type { Color } from '../../model/colors.ts'

/** A database that server pods report on, with its name in messages. */
export type DatabaseName = 'MongoDB' | 'Redis'

/** The rollout settings of the spec. */
export interface RolloutPolicy {
  strategy: 'RollingUpdate' | 'BlueGreen'
  /** Pods that start at the same time while others serve: a number, or a percentage of the desired pods. */
  maxSurge: number | string
  /** Time from the start of a revision until its pods must be ready and tested. */
  progressDeadlineSeconds: number
  /** Whether a revision that fails with live traffic is rolled back automatically. */
  autoRollback: boolean
  promotion: 'Auto' | 'Manual'
  autoPromoteAfterSeconds: number
  /** Time for which the old colour keeps all its pods after a promotion. */
  scaleDownDelaySeconds: number
  smokeTestEnabled: boolean
  analysisEnabled: boolean
  analysisWindowSeconds: number
}

/** `fixed`: the operator sets this count. `autoscaled`: a HorizontalPodAutoscaler sets the count, within its bounds. */
type Scaling = { kind: 'fixed'; replicas: number } | { kind: 'autoscaled'; minReplicas: number }

/** Observed state of the Deployment of one colour. */
export interface ObservedColor {
  /** Revision of its pod template; undefined if an edit made it unreadable. */
  revision: string | undefined
  /** `spec.replicas`. */
  replicas: number
  /** Pods of the current template. */
  updatedReplicas: number
  /** Pods of any template that are ready. */
  readyReplicas: number
  /** Pods of any template that have been ready for `minReadySeconds`. */
  availableReplicas: number
  /** All pods, including those of earlier templates. */
  totalReplicas: number
  /** Why pods are missing or not ready, such as a quota; undefined if no reason is known. */
  problem: string | undefined
  /** Whether its status describes its current spec. */
  current: boolean
}

/** Result of the smoke test of a revision. */
export interface SmokeTestResult {
  revision: string
  state: 'running' | 'passed' | 'failed'
  /** The failed step, or the passed steps with their times. */
  message: string
}

/** State of a Job that migrates the database for a revision. */
export interface MigrationResult {
  revision: string
  /** `failed`: it is not retried automatically. */
  state: 'running' | 'done' | 'failed'
  /** What it is waiting for, or why it failed: documents by id. */
  message: string
}

/** Evaluation of a revision by the metrics of its pods. */
export interface AnalysisResult {
  revision: string
  /** `noVerdict`: too few requests for a verdict. */
  verdict: 'pass' | 'fail' | 'noVerdict'
  /** The figures, for people. */
  message: string
  /** Whether a database is, or was, unavailable for servers of every revision: this says nothing about the revision. */
  outage: 'now' | 'before' | undefined
  /** A container of the revision terminated: an outage of a database does not excuse that. */
  containerDied?: boolean
}

/** Requested actions that have not been taken yet. Each names a revision. */
export interface RolloutActions {
  promote?: string | undefined
  abort?: string | undefined
  rollbackTo?: string | undefined
}

/** The complete input of a rollout decision from the cluster. */
export interface RolloutObservation {
  policy: RolloutPolicy
  scaling: Scaling
  /** Revision of the spec. */
  specRevision: string
  colors: Partial<Record<Color, ObservedColor>>
  /** Colour that the Service selects; undefined if there is no Service, or if it selects something else. */
  serviceColor: Color | undefined
  /** Ready endpoints of the Service, by the colour of their pods. */
  endpoints: Record<Color, number>
  /** Ready endpoints of the preview Service, by the colour of their pods. */
  previewEndpoints: Record<Color, number>
  /** The migration that prepares the database for the revision in progress. */
  migration: MigrationResult | undefined
  /** The migration that removes what only earlier revisions needed. */
  contraction: MigrationResult | undefined
  smokeTest: SmokeTestResult | undefined
  analysis: AnalysisResult | undefined
  /**
   * Databases that no server of any revision can reach. Running servers continue to serve; new ones do not become
   * ready.
   */
  unavailableDatabases: readonly DatabaseName[]
  /** Revisions that at least one server pod runs, including terminating pods. */
  podRevisions: ReadonlySet<string>
  /** Revisions whose pod template is stored, so that they can run again. */
  knownRevisions: ReadonlySet<string>
  actions: RolloutActions
  /** Acquires a rollout slot; if none is free, returns the reason. Called only when a rollout would start. */
  acquireSlot?: (() => SlotWait | undefined) | undefined
}

/** Why a rollout has no slot yet. */
export interface SlotWait {
  /** Rollouts of other AuthServices in progress. */
  inProgress: number
  limit: number
  /** AuthServices that have waited longer. */
  ahead: number
}
