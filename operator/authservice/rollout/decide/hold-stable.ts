import { timestamp } from '../../model/timestamp.ts'
import {
  endOfPhase,
  isFullyAvailable,
  keepStandby,
  keepStandbyTemplate,
  liveCount,
  type RolloutContext,
  scaleDownStandby,
  secondsInPhase,
  toDecision,
} from './context.ts'
import type { RolloutDecision } from './decision.ts'
import { describeColor } from './describe.ts'
import { contractionNote, isContracting, mayContract } from './prepare-database.ts'
import { canRun } from './target.ts'

/** Keeps the stable revision. The standby keeps its pods for a while after a promotion, and is scaled to zero otherwise. */
export function holdStable(context: RolloutContext): RolloutDecision {
  const { observed, live, standby, stable, needed, record } = context
  const other = observed.colors[standby]
  const templates = { [live]: stable, ...keepStandbyTemplate(context) }
  const left = record.phase === 'Retiring' ? observed.policy.scaleDownDelaySeconds - secondsInPhase(context) : 0
  if (left > 0 && other !== undefined && other.replicas > 0) {
    const until = endOfPhase(context, true, observed.policy.scaleDownDelaySeconds)
    return toDecision(context, {
      phase: 'Retiring',
      message: `the old colour, ${standby}, keeps its pods until ${timestamp(until)}`,
      until,
      templates,
      previewColor: standby,
      counts: { ...liveCount(context), ...keepStandby(context) },
      complete: isFullyAvailable(observed.colors[live], stable, needed),
      failure: failureOf(context),
      requeueAfterSeconds: left,
    })
  }
  const isAvailable = isFullyAvailable(observed.colors[live], stable, needed)
  const isGone = (other?.totalReplicas ?? 0) === 0
  const isReturning = record.phase !== 'Stable' && record.phase !== 'Retiring' && record.currentRevision !== undefined
  const isFirst = record.currentRevision === undefined && !isAvailable
  return toDecision(context, {
    phase: isFirst ? 'Preparing' : isReturning && !(isAvailable && isGone) ? 'RollingBack' : 'Stable',
    message:
      isAvailable && !isGone
        ? `scaling down ${standby}`
        : `${describeColor(live, observed.colors[live], needed)}${contractionNote(context)}`,
    contractionOf: ((isAvailable && isGone) || isContracting(context)) && mayContract(context) ? stable : undefined,
    templates,
    counts: { ...liveCount(context), ...scaleDownStandby(context) },
    record: {
      targetColor: undefined,
      ...(isFirst && { revision: stable }), // differs from the previous one if the spec was corrected
      ...(isAvailable && { currentRevision: stable }),
    },
    complete: isAvailable || isOnlyScaled(context),
    failure: failureOf(context),
  })
}

/** Whether only the number of pods changes, or pods of the stable revision are replaced. */
function isOnlyScaled({ observed, live, stable, record }: RolloutContext): boolean {
  const color = observed.colors[live]
  const runsAlone = color?.revision === stable && color.updatedReplicas === color.totalReplicas
  return runsAlone && record.currentRevision === stable && record.phase === 'Stable' && color.availableReplicas > 0
}

/**
 * Returns to the stable revision. If the standby colour still runs it, the Service immediately selects that colour: a
 * few good pods are better than any number of bad ones, and the standby colour grows in the same step. Otherwise, the
 * live Deployment gets the stable template again, pod by pod.
 */
export function rollBack(context: RolloutContext): RolloutDecision {
  const { observed, live, standby, stable, record } = context
  const failed = record.failure ?? 'the target is another revision'
  const deployment = observed.colors[standby]
  if (deployment?.revision === stable && deployment.replicas > 0) {
    const isReady = deployment.current && deployment.availableReplicas >= deployment.replicas
    return toDecision(context, {
      phase: 'RollingBack',
      message: `${failed}; ${isReady ? `traffic returns to ${standby}` : describeColor(standby, deployment, deployment.replicas)}`,
      ...(isReady && { activeColor: standby }),
      previewColor: isReady ? live : standby,
      templates: { [standby]: stable, ...keepTemplate(context) },
      counts: keepStandby(context),
      failure: failureOf(context),
    })
  }
  return toDecision(context, {
    phase: 'RollingBack',
    message: `${failed}; rolling back ${live} to revision ${stable}`,
    templates: { [live]: stable, ...keepStandbyTemplate(context) },
    counts: { ...liveCount(context), ...scaleDownStandby(context) },
    failure: failureOf(context),
  })
}

/** Keeps the template of the live colour, if it is known. */
function keepTemplate({ observed, live }: RolloutContext): RolloutDecision['templates'] {
  const revision = observed.colors[live]?.revision
  return revision !== undefined && canRun(observed, revision) ? { [live]: revision } : {}
}

/** Reported until the spec changes, so that users do not mistake the old revision for the new one. */
function failureOf({ record }: RolloutContext): string | undefined {
  const { failedRevision, failure } = record
  if (failedRevision === undefined) return undefined
  return `revision ${failedRevision} was not rolled out: ${failure}. Change the spec, or request it again with rollback-to: ${failedRevision}`
}
