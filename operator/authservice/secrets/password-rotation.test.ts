import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SecretData } from '../model/secret-data.ts'
import {
  mongodbKeys,
  type RotatedKeys,
  type RotationObservation,
  redisKeys,
  rotationOf,
  stepRotation,
} from './password-rotation.ts'

const start = new Date('2026-11-24T12:00:00Z')
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000)
const idle: RotationObservation = { requested: undefined, databasesDone: false, podsDone: false, now: start }

/** Reconciles once with each observation. */
function reconcileEach(
  first: SecretData,
  keys: RotatedKeys,
  observations: readonly Partial<RotationObservation>[],
): SecretData[] {
  let made = 0
  const states: SecretData[] = []
  for (const observation of observations) {
    const step = stepRotation(states.at(-1) ?? first, keys, { ...idle, ...observation }, () => `fresh-${++made}`)
    states.push(step.data)
  }
  return states
}

describe('a rotation', () => {
  test('adds, switches, removes and ends, each step once its condition is met', () => {
    const states = reconcileEach({ password: 'old' }, redisKeys, [
      { requested: 'x' },
      { requested: 'x' },
      { databasesDone: true },
      { podsDone: true, now: after(119) },
      { podsDone: false, now: after(1_000) },
      { podsDone: true, now: after(120) },
      {},
      { databasesDone: true, now: after(200) },
      { requested: 'x', now: after(300) },
    ])
    const changedAt = { 'changed-at': '2026-11-24T12:00:00.000Z' }
    const adding = { password: 'old', 'next-password': 'fresh-1', rotation: 'adding:x', ...changedAt }
    const switched = { password: 'fresh-1', 'previous-password': 'old', rotation: 'switched:x', ...changedAt }
    const removing = { password: 'fresh-1', rotation: 'removing:x', 'changed-at': '2026-11-24T12:02:00.000Z' }
    const over = { password: 'fresh-1', 'rotated-by': 'x' }
    expect(states).toEqual([adding, adding, switched, switched, switched, removing, removing, over, over])
  })

  test('of MongoDB alternates between the two users', () => {
    const observations = [
      { requested: 'x' },
      { databasesDone: true },
      { podsDone: true, now: after(180) },
      { databasesDone: true },
      { requested: 'y' },
      { databasesDone: true },
    ]
    const states = reconcileEach({ 'app-password': 'old', keyfile: 'k' }, mongodbKeys, observations)
    expect(states[1]).toMatchObject({ 'app-user': 'auth-b', 'app-password': 'fresh-1', 'previous-app-password': 'old' })
    expect(states[5]).toMatchObject({
      'app-user': 'auth',
      'app-password': 'fresh-2',
      'previous-app-password': 'fresh-1',
    })
    expect(states.every(({ keyfile }) => keyfile === 'k')).toBe(true)
  })

  test('is cancelled, keeping the working password, if its new one was removed', () => {
    const [state] = reconcileEach({ password: 'old', rotation: 'adding:x' }, redisKeys, [{ databasesDone: true }])
    expect(state).toEqual({ password: 'old', 'rotated-by': 'x' })
  })

  test('returns the time of the next reconcile when time alone allows the next step', () => {
    const data = { password: 'a', 'previous-password': 'b', rotation: 'switched:x', 'changed-at': start.toISOString() }
    expect(stepRotation(data, redisKeys, { ...idle, podsDone: true }, () => '').nextChangeAt).toEqual(after(120))
  })
})

test('property: in any order of events, pods and databases never have different passwords', () => {
  const event = fc.oneof(
    fc.record({
      kind: fc.constant('reconcile' as const),
      requested: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: undefined }),
    }),
    fc.record({
      kind: fc.constantFrom(
        ...(['job', 'pods', 'database restarts', 'database restarts with a volume that lags', 'time'] as const),
      ),
    }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let made = 0
      let now = start
      let data: SecretData = { password: 'p0' }
      let accepted = new Set(['p0'])
      let applied: string | undefined
      let pods = 'p0'
      let before = data
      const held = (secret: SecretData) =>
        ['password', 'next-password', 'previous-password'].flatMap((key) => secret[key] ?? [])
      const secondsSinceChange = () => (now.getTime() - Date.parse(data['changed-at'] ?? '2000-01-01')) / 1000
      for (const one of events) {
        if (one.kind === 'reconcile') {
          const observation = {
            requested: 'requested' in one ? one.requested : undefined,
            databasesDone: applied !== undefined && applied === data['rotation'],
            podsDone: pods === data['password'],
            now,
          }
          const next = stepRotation(data, redisKeys, observation, () => `p${++made}`).data
          if (next !== data) before = data
          data = next
        }
        // The Job of a stage waits until volumes are up to date, and applies the content of the Secret to the database.
        const stage = rotationOf(data)?.stage
        if (one.kind === 'job' && (stage === 'adding' || stage === 'removing') && secondsSinceChange() >= 120) {
          accepted = new Set(held(data))
          applied = data['rotation']
        }
        if (one.kind === 'database restarts') accepted = new Set(held(data))
        if (one.kind === 'database restarts with a volume that lags' && secondsSinceChange() < 100)
          accepted = new Set(held(before))
        if (one.kind === 'pods') pods = data['password'] ?? ''
        if (one.kind === 'time') now = new Date(now.getTime() + 130_000)
        expect(accepted, `what pods use after ${one.kind} in ${data['rotation']}`).toContain(pods)
        expect(accepted, `what new pods would use after ${one.kind} in ${data['rotation']}`).toContain(data['password'])
      }
    }),
    { numRuns: 2_000 },
  )
})
