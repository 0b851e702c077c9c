/**
 * The phase of a rollout. In `Stable`, nothing is in progress; `RollingBack` returns to the last good revision; the
 * others are the steps of a new revision, in this order. A rolling update is in `Preparing` while its pods are
 * replaced.
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

/** Whether a revision is rolling out: it has neither failed nor been proven. */
export function isInProgress(phase: RolloutPhase): boolean {
  return !['Stable', 'Retiring', 'RollingBack'].includes(phase)
}

/** How a rollout ended. */
export const rolloutOutcomes = ['Promoted', 'RolledBack', 'Aborted', 'Superseded', 'DeadlineExceeded'] as const
export type RolloutOutcome = (typeof rolloutOutcomes)[number]
