/**
 * Two Deployments run the server in turn: one is active, the other is empty or receives the next revision. A rolling
 * update replaces pods within the active one.
 */
export type Color = 'blue' | 'green'

/** Where a rollout stands. */
export type RolloutPhase = 'Preparing' | 'Stable'

/** What the cluster shows of one colour's Deployment. */
export interface ObservedColor {
  /** Count that its `spec.replicas` asks for, whoever wrote it. */
  replicas: number
  /** Pods made from its present template. */
  updatedReplicas: number
  /** Pods, of any template, that were ready for `minReadySeconds`. */
  availableReplicas: number
  /** All its pods, those of earlier templates included. */
  totalReplicas: number
  /** Its status speaks of its present spec. */
  current: boolean
  /** What the Deployment controller says once the rollout took longer than its `progressDeadlineSeconds`. */
  deadlineExceeded: string | undefined
}

/** The part of a snapshot that a rollout is decided on. */
export interface RolloutSnapshot {
  /** Hash of the pod template that the spec asks for. */
  revision: string
  /** `fixed`: the operator keeps this count. `autoscaled`: a HorizontalPodAutoscaler does, within its bounds. */
  scaling: { kind: 'fixed'; replicas: number } | { kind: 'autoscaled'; minReplicas: number }
  colors: Partial<Record<Color, ObservedColor>>
  /** The colour that the Service selects. */
  serviceColor: Color | undefined
  /** The colour that status named last, for when the Service is gone. */
  lastActiveColor: Color | undefined
}

/** What the colours are to run, and where traffic goes. */
export interface RolloutDecision {
  activeColor: Color
  revision: string
  phase: RolloutPhase
  /** Counts to write through the scale subresource. A colour that is left out keeps the count it has. */
  counts: Partial<Record<Color, number>>
  /** True once every wanted pod of the active colour runs the revision and is available, and no older one is left. */
  complete: boolean
  /** A rollout that cannot go on by itself, in the Deployment controller's words. */
  failure: string | undefined
  /** One sentence for a person: what is waited for, or that all is well. */
  message: string
  /** When time alone will change the decision. */
  requeueAfterSeconds: number | undefined
}

/**
 * Decides the next step of the rollout from what the cluster shows, so that an operator that starts in the middle of
 * one goes on from there.
 *
 * @param now the time that deadlines are compared with
 */
export function decideRollout(snapshot: RolloutSnapshot, _now: Date): RolloutDecision {
  const activeColor = activeColorOf(snapshot)
  const active = snapshot.colors[activeColor]
  const wanted =
    snapshot.scaling.kind === 'fixed' ? snapshot.scaling.replicas : (active?.replicas ?? snapshot.scaling.minReplicas)
  const complete =
    active?.current === true &&
    active.replicas === wanted &&
    active.updatedReplicas === wanted &&
    active.availableReplicas >= wanted &&
    active.totalReplicas === wanted

  return {
    activeColor,
    revision: snapshot.revision,
    phase: complete ? 'Stable' : 'Preparing',
    counts: countsOf(snapshot, activeColor),
    complete,
    failure: active?.current ? active.deadlineExceeded : undefined,
    message: describe(active, wanted, complete),
    requeueAfterSeconds: undefined,
  }
}

/** Traffic tells, unless somebody pointed it at a colour that has never run anything. */
function activeColorOf({ serviceColor, lastActiveColor, colors }: RolloutSnapshot): Color {
  if (serviceColor !== undefined && colors[serviceColor] !== undefined) return serviceColor
  return lastActiveColor ?? serviceColor ?? 'blue'
}

/** Counts that no autoscaler looks after. */
function countsOf({ scaling, colors }: RolloutSnapshot, activeColor: Color): Partial<Record<Color, number>> {
  const idleColor = otherColor(activeColor)
  const idle = colors[idleColor] === undefined ? {} : { [idleColor]: 0 }
  if (scaling.kind === 'fixed') return { ...idle, [activeColor]: scaling.replicas }
  const active = colors[activeColor]
  // A new Deployment starts with one pod, and an autoscaler leaves a Deployment at zero alone for good.
  const needsStart = active === undefined || active.replicas === 0
  return needsStart ? { ...idle, [activeColor]: scaling.minReplicas } : idle
}

/** The colour that is not active. */
export function otherColor(color: Color): Color {
  return color === 'blue' ? 'green' : 'blue'
}

function describe(active: ObservedColor | undefined, wanted: number, complete: boolean): string {
  if (active === undefined) return 'the server Deployment is being created'
  if (complete) return `${wanted} of ${wanted} server pods run the current revision`
  if (!active.current) return 'the Deployment controller has not seen the last change yet'
  if (active.updatedReplicas < wanted) return `${active.updatedReplicas} of ${wanted} server pods run the new revision`
  if (active.availableReplicas < wanted)
    return `waiting for ${wanted - active.availableReplicas} of ${wanted} server pods`
  return `waiting for ${active.totalReplicas - wanted} old server pods to end`
}
