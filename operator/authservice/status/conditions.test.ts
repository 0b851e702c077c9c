import { describe, expect, test } from 'vitest'
import type { Condition } from '../api/schema.ts'
import type { ConditionUpdate } from '../model/condition.ts'
import type { Finding } from '../model/finding.ts'
import { mergeConditions, phaseOf, setCondition, summarize, withWarnings } from './conditions.ts'

const noon = new Date('2026-11-24T12:00:00.123Z')
const later = new Date('2026-11-24T12:05:00Z')

const available: ConditionUpdate = {
  type: 'WorkloadAvailable',
  status: 'True',
  reason: 'Available',
  message: '3 of 3 pods are ready',
}
const waiting: ConditionUpdate = {
  type: 'RedisReady',
  status: 'False',
  reason: 'Waiting',
  message: 'waiting for 1 of 1 pods of quickstart-redis',
}
const blocking: Finding = {
  kind: 'blocking',
  condition: 'MongoDBReady',
  reason: 'SecretNotFound',
  message: 'Secret accounts-mongodb does not exist',
}

/** The interpretation of conditions by kstatus, in its order. */
function kstatus(conditions: readonly { type: string; status: string }[]): 'Failed' | 'InProgress' | 'Current' {
  const status = (type: string) => conditions.find((condition) => condition.type === type)?.status
  if (status('Stalled') === 'True') return 'Failed'
  if (status('Reconciling') === 'True') return 'InProgress'
  return status('Ready') === 'True' ? 'Current' : 'InProgress'
}

describe('mergeConditions', () => {
  test('keeps the transition time while the status stays, and moves it when the status changes', () => {
    const first = mergeConditions([], [available], { generation: 1, now: noon })
    const second = mergeConditions(first, [{ ...available, message: '4 of 4 pods are ready' }], {
      generation: 2,
      now: later,
    })
    const third = mergeConditions(second, [{ ...available, status: 'False' }], { generation: 2, now: later })

    expect(second).toEqual([
      {
        ...available,
        message: '4 of 4 pods are ready',
        observedGeneration: 2,
        lastTransitionTime: '2026-11-24T12:00:00Z',
      },
    ])
    expect(third[0]?.lastTransitionTime).toBe('2026-11-24T12:05:00Z')
  })

  test('writes the same conditions for the same state, so that an idle AuthService costs no write', () => {
    const first = mergeConditions([], [available, waiting], { generation: 1, now: noon })
    expect(mergeConditions(first, [waiting, available], { generation: 1, now: later })).toEqual(first)
  })

  test('drops conditions of an earlier version, and keeps current ones that this reconcile did not set', () => {
    const stale: Condition = {
      ...available,
      type: 'Deployed',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    const first = setCondition([stale], waiting, { generation: 1, now: noon })
    const second = setCondition(first, available, { generation: 2, now: later })
    expect(second.map(({ type, observedGeneration }) => [type, observedGeneration])).toEqual([
      ['RedisReady', 1],
      ['WorkloadAvailable', 2],
    ])
  })

  test('shortens a message that the API server would reject', () => {
    const [condition] = setCondition([], { ...available, message: 'x'.repeat(40_000) }, { generation: 1, now: noon })
    expect(condition?.message.length).toBeLessThanOrEqual(4096)
  })
})

describe('summarize', () => {
  const running: ConditionUpdate = {
    type: 'RolloutProgressing',
    status: 'True',
    reason: 'RolloutInProgress',
    message: 'waiting for 1 of 3 pods',
  }
  const complete: ConditionUpdate = { ...running, status: 'False', reason: 'RolloutComplete', message: 'complete' }
  const openChecklist: ConditionUpdate = {
    type: 'ProductionReady',
    status: 'False',
    reason: 'ChecklistOpen',
    message: 'backups',
  }

  test.each([
    ['all parts available', { components: [available, complete] }, 'Current', 'Ready'],
    ['an open checklist', { components: [available, complete, openChecklist] }, 'Current', 'Ready'],
    ['a part on its way', { components: [available, waiting] }, 'InProgress', 'Progressing'],
    ['a running rollout', { components: [available, running] }, 'InProgress', 'Progressing'],
    [
      'a reconcile that failed',
      { components: [available], failure: 'the API server is unavailable' },
      'InProgress',
      'Progressing',
    ],
    ['a missing Secret', { components: [available], findings: [blocking] }, 'Failed', 'Stalled'],
    ['a failed part', { components: [{ ...waiting, reason: 'Failed' as const }] }, 'Failed', 'Stalled'],
    ['suspension of what works', { components: [available], suspended: true }, 'Current', 'Suspended'],
    ['suspension of what waits', { components: [waiting], suspended: true }, 'InProgress', 'Suspended'],
  ])('%s has the expected kstatus result and phase', (_, parts, expectedKstatus, expectedPhase) => {
    const updates = summarize({ findings: [], suspended: false, ...parts })
    const conditions = mergeConditions([], updates, { generation: 1, now: noon })
    expect(updates.map(({ type }) => type)).toEqual(['Ready', 'Reconciling', 'Stalled'])
    expect(kstatus(conditions)).toBe(expectedKstatus)
    expect(phaseOf(conditions)).toBe(expectedPhase)
  })

  test('names every cause once', () => {
    const [ready] = summarize({ components: [waiting], findings: [blocking, blocking], suspended: false })
    expect(ready).toMatchObject({ reason: 'SecretNotFound', message: 'Secret accounts-mongodb does not exist.' })
    const [progress] = summarize({ components: [waiting, running], findings: [], suspended: false })
    expect(progress?.message).toBe('waiting for 1 of 1 pods of quickstart-redis. waiting for 1 of 3 pods.')
  })

  test('an AuthService that was never reconciled is pending', () => expect(phaseOf([])).toBe('Pending'))
})

test('a condition shows only the warnings about its own component', () => {
  const warning: Finding = { ...blocking, kind: 'warning', condition: 'WorkloadAvailable', message: 'No backup runs.' }
  expect(withWarnings(available, [warning, blocking]).message).toBe('3 of 3 pods are ready. No backup runs.')
  expect(withWarnings(waiting, [warning]).message).toBe(waiting.message)
})
