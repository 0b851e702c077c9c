import { expect, test } from 'vitest'
import type { AuthServiceStatus } from '../../api/schema.ts'
import { endedRollout, eventsForRollout } from './history.ts'

const now = new Date('2026-11-24T12:01:00Z')
const status = (
  rollout: Partial<NonNullable<AuthServiceStatus['rollout']>>,
  currentRevision = 'r1',
): AuthServiceStatus => ({
  currentRevision,
  rollout: { phase: 'Stable', revision: 'r1', startedAt: '2026-11-24T12:00:00Z', message: 'all is well', ...rollout },
})
const reasons = (before: AuthServiceStatus | undefined, after: AuthServiceStatus) =>
  eventsForRollout(before, after, now).map(({ type, reason }) => `${type} ${reason}`)

test('each phase has one event', () => {
  const preparing = status({ phase: 'Preparing', revision: 'r2' })
  expect(reasons(status({}), preparing)).toEqual(['Normal RolloutPreparing'])
  expect(reasons(preparing, preparing)).toEqual([])
  expect(reasons(preparing, status({ phase: 'Testing', revision: 'r2' }))).toEqual(['Normal RolloutTesting'])
})

test('the very first revision is not a rollout', () => {
  const first: AuthServiceStatus = { rollout: { phase: 'Preparing', revision: 'r1' } }
  expect(reasons(undefined, first)).toEqual([])
  expect(endedRollout(first, status({}), now)).toBeUndefined()
})

test('a promotion is counted once, with its duration', () => {
  const verifying = status({ phase: 'Verifying', revision: 'r2' })
  const retiring = status({ phase: 'Retiring', revision: 'r2', lastOutcome: 'Promoted' }, 'r2')
  expect(endedRollout(verifying, retiring, now)).toEqual({ revision: 'r2', outcome: 'Promoted', seconds: 60 })
  expect(reasons(verifying, retiring)).toEqual(['Normal RolloutPromoted'])
  expect(endedRollout(retiring, status({ lastOutcome: 'Promoted', revision: 'r2' }, 'r2'), now)).toBeUndefined()
})

test('a failure is a warning with its cause', () => {
  const back = status({ phase: 'RollingBack', revision: 'r2', lastOutcome: 'RolledBack', failure: 'logins fail' })
  const events = eventsForRollout(status({ phase: 'Verifying', revision: 'r2' }), back, now)
  expect(events).toContainEqual({
    type: 'Warning',
    reason: 'RolloutRolledBack',
    message: 'Revision r2 was rolled back after 60 s: logins fail',
  })
})

test('a revision that another one replaces is counted as superseded', () => {
  const other = status({ phase: 'Preparing', revision: 'r3', lastOutcome: 'Superseded' })
  expect(endedRollout(status({ phase: 'Testing', revision: 'r2' }), other, now)).toMatchObject({
    revision: 'r2',
    outcome: 'Superseded',
  })
})
