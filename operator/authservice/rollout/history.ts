import type { AuthServiceStatus } from '../api/schema.ts'
import type { Announcement } from '../cluster.ts'
import { readMemory } from './memory.ts'
import { isUnderWay, type RolloutOutcome } from './world.ts'

/** A rollout that ended between two statuses. */
export interface EndedRollout {
  revision: string
  outcome: RolloutOutcome
  /** From its start to its end. */
  seconds: number
}

/** The rollout that was under way in the earlier status and is over in the later one. */
export function endedRollout(
  before: AuthServiceStatus | undefined,
  after: AuthServiceStatus,
  now: Date,
): EndedRollout | undefined {
  const [then, since] = [readMemory(before), readMemory(after)]
  if (then.revision === undefined || !isUnderWay(then.phase) || then.currentRevision === undefined) return undefined
  const goesOn = isUnderWay(since.phase) && since.revision === then.revision
  if (goesOn || since.lastOutcome === undefined) return undefined
  const seconds = Math.max(0, (now.getTime() - (then.startedAt ?? now).getTime()) / 1000)
  return { revision: then.revision, outcome: since.lastOutcome, seconds }
}

/** One event for each step of a rollout that a person can see. */
export function announceRollout(
  before: AuthServiceStatus | undefined,
  after: AuthServiceStatus,
  now: Date,
): Announcement[] {
  const ended = endedRollout(before, after, now)
  const [then, since] = [readMemory(before), readMemory(after)]
  const entered = since.phase !== then.phase || since.revision !== then.revision
  const isFirst = since.currentRevision === undefined
  return [
    ...(ended === undefined ? [] : [announceEnd(ended, after)]),
    ...(entered && !isFirst && isUnderWay(since.phase)
      ? [announcement('Normal', `Rollout${since.phase}`, `Revision ${since.revision}: ${after.rollout?.message ?? ''}`)]
      : []),
    ...(entered && since.phase === 'RollingBack'
      ? [announcement('Warning', 'RolloutRollingBack', after.rollout?.message ?? '')]
      : []),
  ]
}

function announceEnd({ revision, outcome, seconds }: EndedRollout, after: AuthServiceStatus): Announcement {
  const time = `after ${Math.round(seconds)} s`
  switch (outcome) {
    case 'Promoted':
      return announcement('Normal', 'RolloutPromoted', `Revision ${revision} has the traffic ${time}`)
    case 'Superseded':
      return announcement('Normal', 'RolloutSuperseded', `Revision ${revision} makes way for another one ${time}`)
    case 'Aborted':
    case 'RolledBack':
    case 'DeadlineExceeded':
      return announcement(
        'Warning',
        `Rollout${outcome}`,
        `Revision ${revision} is taken back ${time}: ${after.rollout?.failure ?? 'see status.rollout'}`,
      )
  }
}

function announcement(type: Announcement['type'], reason: string, message: string): Announcement {
  return { type, reason, message }
}
