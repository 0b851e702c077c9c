import { type Course, decided, emptyIdle, keepIdleTemplate, liveCount } from './course.ts'
import { databaseMessage } from './describe.ts'
import { canRun, isStarted } from './goal.ts'
import type { RolloutDecision } from './world.ts'

/** Whether no pod of the goal may start yet, because the database is not made ready for it. */
export function isDatabaseAwaited({ world, revision }: Course): boolean {
  if (isStarted(world, revision)) return false
  return !(world.migration?.revision === revision && world.migration.state === 'done')
}

/** The live colour stays as it is while the migrations of the revision run: servers of both versions bear the result. */
export function prepareDatabase(course: Course): RolloutDecision {
  const { world, live, stable, revision } = course
  const running = world.colors[live]?.revision
  const migration = world.migration?.revision === revision ? world.migration : undefined
  return decided(course, {
    phase: 'Preparing',
    message: databaseMessage(migration),
    templates: {
      [live]: running !== undefined && canRun(world, running) ? running : stable,
      ...keepIdleTemplate(course),
    },
    counts: { ...liveCount(course), ...emptyIdle(course) },
  })
}

/**
 * Whether what only earlier revisions needed may go: a promoted revision is all that is left, and nobody asked for an
 * earlier one. From then on none of them can come back.
 */
export function mayContract({ world, stable, memory }: Course): boolean {
  const wasPromoted = memory.lastOutcome === 'Promoted' && memory.revision === stable
  const isAlone = [...world.podRevisions].every((revision) => revision === stable)
  return wasPromoted && isAlone && memory.pin === undefined && world.specRevision === stable
}

/**
 * Whether it was begun, or is over. It stays so while pods are missing, as they are whenever a node is drained or the
 * count grows: a Job that was taken away would be made and run again each time.
 */
export function isContracting({ world, stable }: Course): boolean {
  return world.contraction?.revision === stable
}

/** What a person should know of the contraction; empty while there is nothing. */
export function contractionNote({ world, stable }: Course): string {
  const { contraction } = world
  if (contraction?.revision !== stable || contraction.state === 'done') return ''
  return contraction.state === 'running'
    ? '; what only earlier revisions needed is taken out of the database'
    : `; what only earlier revisions needed could not be taken out of the database: ${contraction.message}`
}
