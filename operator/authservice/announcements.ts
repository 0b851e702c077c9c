import type { TakenAction } from './actions.ts'
import type { AuthServiceStatus, Condition } from './api/schema.ts'
import type { ApplyResult } from './apply/apply.ts'
import type { Manifest } from './apply/plan.ts'
import type { Announcement } from './cluster.ts'
import type { ConditionType } from './conditions.ts'

/** What happened to one of the operator's own Secrets, and why. */
export interface SecretChange {
  name: string
  why: string
}

/** One event for each thing that changed in the cluster. */
export function announceWrites({ created, corrected, removed }: ApplyResult): Announcement[] {
  const list = (children: readonly Manifest[]) => children.map(nameOf).join(', ')
  return [
    ...(created.length === 0 ? [] : [normal('Created', `Created ${list(created)}`)]),
    ...corrected.map(({ child, paths, by }) =>
      normal('DriftCorrected', `${nameOf(child)}: put back ${shorten(paths)}, which ${by ?? 'somebody'} changed`),
    ),
    ...(removed.length === 0 ? [] : [normal('Pruned', `Deleted ${list(removed)}, which the spec no longer asks for`)]),
  ]
}

/**
 * One event for each database that stopped because the spec asks for another one: what became of its data.
 *
 * @param keptVolume of the managed MongoDB
 */
export function announceStoppedDatabases(
  authService: string,
  { removed }: Pick<ApplyResult, 'removed'>,
  keptVolume: string | undefined,
): Announcement[] {
  const stopped = (name: string) =>
    removed.some((child) => child.kind === 'StatefulSet' && child.metadata.name === name)
  const ofMongoDb =
    keptVolume === undefined
      ? 'it had no volume, so its data is gone with it'
      : `its users were not copied and are kept in PersistentVolumeClaim ${keptVolume}`
  return [
    ...(stopped(`${authService}-mongodb`)
      ? [normal('DatabaseStopped', `The managed MongoDB is stopped: ${ofMongoDb}`)]
      : []),
    ...(stopped(`${authService}-redis`)
      ? [
          normal(
            'DatabaseStopped',
            'The managed Redis is stopped and its volume deleted: counters of limits start anew, sessions are in MongoDB',
          ),
        ]
      : []),
  ]
}

/**
 * One event for each Secret that got new content. A Secret that was there before and had to be made anew is a warning:
 * what the lost one had signed or opened is lost. The first ones are among what was created.
 *
 * @param known names of Secrets that an earlier visit has seen
 */
export function announceSecrets(
  changes: readonly SecretChange[],
  known: ReadonlySet<string>,
  existing: ReadonlySet<string>,
): Announcement[] {
  return changes.flatMap(({ name, why }) => {
    if (existing.has(name)) return [normal('SecretChanged', `Secret ${name}: ${why}`)]
    if (!known.has(name)) return []
    const loss = 'what the lost one signed or opened is refused from now on'
    return [warning('SecretLost', `Secret ${name} was gone and is made anew: ${loss} (${why})`)]
  })
}

/** One event for each action by annotation that was taken. */
export function announceActions(taken: readonly TakenAction[]): Announcement[] {
  return taken.map(({ name, value, message }) => normal('ActionTaken', `${name}: ${value}: ${message}`))
}

/** One event for each transition of the summary. */
export function announceTransitions(before: AuthServiceStatus | undefined, after: AuthServiceStatus): Announcement[] {
  const changed = (type: ConditionType): Condition | undefined => {
    const now = findCondition(after, type)
    const then = findCondition(before, type)
    const isSame = now?.status === then?.status && now?.reason === then?.reason
    return isSame ? undefined : now
  }
  const stalled = changed('Stalled')
  const ready = changed('Ready')
  return [
    ...(stalled?.status === 'True' ? [warning(stalled.reason, stalled.message)] : []),
    ...(ready?.status === 'True' ? [normal('Ready', ready.message)] : []),
    ...(ready?.status === 'False' && findCondition(before, 'Ready')?.status === 'True' && stalled?.status !== 'True'
      ? [warning('NotReady', ready.message)]
      : []),
  ]
}

function findCondition(status: AuthServiceStatus | undefined, type: ConditionType): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`
}

/** The first paths, and how many more: an event's note has at most 1,024 characters. */
function shorten(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).join(', ')
  return paths.length > 5 ? `${shown} and ${paths.length - 5} more` : shown
}

function normal(reason: string, message: string): Announcement {
  return { type: 'Normal', reason, message }
}

function warning(reason: string, message: string): Announcement {
  return { type: 'Warning', reason, message }
}
