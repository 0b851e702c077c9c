import { expect, test } from 'vitest'
import type { AuthServiceStatus } from '../../operator/authservice/api/schema.ts'
import { RolloutPeak } from './concurrency.ts'

const status = (phase: string, more: object = {}): AuthServiceStatus => ({
  currentRevision: 'a',
  rollout: { phase, revision: 'b', ...more },
})

test('the peak counts rollouts at the same moment, and names the AuthServices that waited', () => {
  const peak = new RolloutPeak()
  const first = new Map([
    ['one', status('Testing')],
    ['two', status('Stable', { waitingSince: '2026-11-30T12:00:00Z' })],
    ['three', status('AwaitingPromotion')],
    ['new', { rollout: { phase: 'Preparing', revision: 'a' } }],
  ])
  peak.observe(first)
  expect([peak.highest, peak.waited]).toEqual([1, ['two']])
  peak.observe(new Map([...first, ['two', status('Preparing')]]))
  peak.observe(new Map([...first, ['one', status('Retiring')], ['two', status('Preparing')]]))
  expect([peak.highest, peak.waited]).toEqual([2, ['two']])
})
