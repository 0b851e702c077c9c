import { keepStandbyTemplate, liveCount, type RolloutContext, scaleDownStandby, toDecision } from './context.ts'
import type { RolloutDecision } from './decision.ts'
import { databaseMessage } from './describe.ts'
import { canRun, isStarted } from './target.ts'

/** Whether no pod of the target revision may start yet, because the database is not migrated for it. */
export function isDatabaseAwaited({ observed, revision }: RolloutContext): boolean {
  if (isStarted(observed, revision)) return false
  return !(observed.migration?.revision === revision && observed.migration.state === 'done')
}

/** Migrates the database for the revision. Servers of the old revision continue to run: both can use the result. */
export function prepareDatabase(context: RolloutContext): RolloutDecision {
  const { observed, live, stable, revision } = context
  const running = observed.colors[live]?.revision
  const migration = observed.migration?.revision === revision ? observed.migration : undefined
  return toDecision(context, {
    phase: 'Preparing',
    message: databaseMessage(migration),
    templates: {
      [live]: running !== undefined && canRun(observed, running) ? running : stable,
      ...keepStandbyTemplate(context),
    },
    counts: { ...liveCount(context), ...scaleDownStandby(context) },
  })
}

/**
 * Whether the contract Job may run: only a promoted revision is left, and no user requested an earlier one. After that,
 * no earlier revision can return.
 */
export function mayContract({ observed, stable, record }: RolloutContext): boolean {
  const wasPromoted = record.lastOutcome === 'Promoted' && record.revision === stable
  const isAlone = [...observed.podRevisions].every((revision) => revision === stable)
  return wasPromoted && isAlone && record.pin === undefined && observed.specRevision === stable
}

/**
 * Whether the contraction has begun or is complete. Its Job stays while pods are missing, as during the drain of a node:
 * otherwise it would be deleted, created and run again each time.
 */
export function isContracting({ observed, stable }: RolloutContext): boolean {
  return observed.contraction?.revision === stable
}

/** The state of the contraction for a message; empty if there is none, or if it is complete. */
export function contractionNote({ observed, stable }: RolloutContext): string {
  const { contraction } = observed
  if (contraction?.revision !== stable || contraction.state === 'done') return ''
  return contraction.state === 'running'
    ? '; removing from the database what only earlier revisions needed'
    : `; removing from the database what only earlier revisions needed failed: ${contraction.message}`
}
