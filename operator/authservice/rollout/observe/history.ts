import type { AuthServiceStatus } from '../../api/schema.ts'
import type { EventToRecord } from '../../model/event.ts'
import { isInProgress, type RolloutOutcome } from '../decide/phases.ts'
import { parseRolloutStatus } from '../rollout-status.ts'

/** A rollout that ended between two statuses. */
export interface EndedRollout {
  revision: string
  outcome: RolloutOutcome
  /** Duration from start to end. */
  seconds: number
}

/** The rollout that is in progress in the earlier status and over in the later one. */
export function endedRollout(
  before: AuthServiceStatus | undefined,
  after: AuthServiceStatus,
  now: Date,
): EndedRollout | undefined {
  const [then, since] = [parseRolloutStatus(before), parseRolloutStatus(after)]
  if (then.revision === undefined || !isInProgress(then.phase) || then.currentRevision === undefined) return undefined
  const goesOn = isInProgress(since.phase) && since.revision === then.revision
  if (goesOn || since.lastOutcome === undefined) return undefined
  const seconds = Math.max(0, (now.getTime() - (then.startedAt ?? now).getTime()) / 1000)
  return { revision: then.revision, outcome: since.lastOutcome, seconds }
}

/** One event for each step of a rollout that a user can observe. */
export function eventsForRollout(
  before: AuthServiceStatus | undefined,
  after: AuthServiceStatus,
  now: Date,
): EventToRecord[] {
  const ended = endedRollout(before, after, now)
  const [then, since] = [parseRolloutStatus(before), parseRolloutStatus(after)]
  const entered = since.phase !== then.phase || since.revision !== then.revision
  const isFirst = since.currentRevision === undefined
  return [
    ...(ended === undefined ? [] : [eventForEnd(ended, after)]),
    ...(entered && !isFirst && isInProgress(since.phase)
      ? [eventOf('Normal', `Rollout${since.phase}`, `Revision ${since.revision}: ${after.rollout?.message ?? ''}`)]
      : []),
    ...(entered && since.phase === 'RollingBack'
      ? [eventOf('Warning', 'RolloutRollingBack', after.rollout?.message ?? '')]
      : []),
  ]
}

function eventForEnd({ revision, outcome, seconds }: EndedRollout, after: AuthServiceStatus): EventToRecord {
  const time = `after ${Math.round(seconds)} s`
  switch (outcome) {
    case 'Promoted':
      return eventOf('Normal', 'RolloutPromoted', `Revision ${revision} receives the traffic ${time}`)
    case 'Superseded':
      return eventOf('Normal', 'RolloutSuperseded', `Revision ${revision} was superseded ${time}`)
    case 'Aborted':
      return eventOf('Warning', 'RolloutAborted', `Revision ${revision} was rolled back on request ${time}`)
    case 'RolledBack':
    case 'DeadlineExceeded':
      return eventOf(
        'Warning',
        `Rollout${outcome}`,
        `Revision ${revision} was rolled back ${time}: ${after.rollout?.failure ?? 'see status.rollout'}`,
      )
  }
}

function eventOf(type: EventToRecord['type'], reason: string, message: string): EventToRecord {
  return { type, reason, message }
}
