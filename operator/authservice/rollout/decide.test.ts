import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideRollout, type ObservedColor, type RolloutSnapshot } from './decide.ts'

const now = new Date('2026-11-24T00:00:00Z')
const running = (replicas: number): ObservedColor => ({
  replicas,
  updatedReplicas: replicas,
  availableReplicas: replicas,
  totalReplicas: replicas,
  current: true,
  deadlineExceeded: undefined,
})
const snapshot = (fields: Partial<RolloutSnapshot>): RolloutSnapshot => ({
  revision: 'r1',
  scaling: { kind: 'fixed', replicas: 2 },
  colors: {},
  serviceColor: undefined,
  lastActiveColor: undefined,
  ...fields,
})

describe('the active colour', () => {
  test('is blue at first', () => {
    expect(decideRollout(snapshot({}), now).activeColor).toBe('blue')
  })
  test('is the one that traffic goes to, whatever status remembers', () => {
    const colors = { blue: running(2), green: running(2) }
    const decision = decideRollout(snapshot({ colors, serviceColor: 'green', lastActiveColor: 'blue' }), now)
    expect(decision.activeColor).toBe('green')
  })
  test('is not one that runs nothing, though somebody pointed the Service there', () => {
    const colors = { blue: running(2) }
    const decision = decideRollout(snapshot({ colors, serviceColor: 'green', lastActiveColor: 'blue' }), now)
    expect(decision.activeColor).toBe('blue')
  })
  test('survives a deleted Service', () => {
    expect(decideRollout(snapshot({ lastActiveColor: 'green' }), now).activeColor).toBe('green')
  })
})

describe('counts', () => {
  test('a fixed count is kept', () => {
    const decision = decideRollout(snapshot({ colors: { blue: running(7) } }), now)
    expect(decision.counts).toEqual({ blue: 2 })
    expect(decision.complete).toBe(false)
  })
  test('zero is a count', () => {
    const decision = decideRollout(
      snapshot({ scaling: { kind: 'fixed', replicas: 0 }, colors: { blue: running(0) } }),
      now,
    )
    expect(decision).toMatchObject({ counts: { blue: 0 }, complete: true })
  })
  test('an autoscaler that left the Deployment at zero is woken', () => {
    const scaling = { kind: 'autoscaled', minReplicas: 3 } as const
    expect(decideRollout(snapshot({ scaling, colors: { blue: running(0) } }), now).counts).toEqual({ blue: 3 })
  })
  test('the idle colour is emptied', () => {
    const colors = { blue: running(2), green: running(2) }
    expect(decideRollout(snapshot({ colors, serviceColor: 'green' }), now).counts).toEqual({ blue: 0, green: 2 })
  })
  test('property: the count of an autoscaler is never overwritten', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (live, minReplicas) => {
        const decision = decideRollout(
          snapshot({ scaling: { kind: 'autoscaled', minReplicas }, colors: { blue: running(live) } }),
          now,
        )
        expect(decision.counts).toEqual({})
        expect(decision.complete).toBe(true)
      }),
    )
  })
})

describe('progress', () => {
  test.each<[what: string, active: Partial<ObservedColor>, message: string]>([
    ['an unseen change', { current: false }, 'the Deployment controller has not seen the last change yet'],
    ['new pods', { updatedReplicas: 1, totalReplicas: 3 }, '1 of 2 server pods run the new revision'],
    ['pods that are not ready', { availableReplicas: 1 }, 'waiting for 1 of 2 server pods'],
    ['old pods', { totalReplicas: 3 }, 'waiting for 1 old server pods to end'],
  ])('tells that it waits for %s', (_, active, message) => {
    const decision = decideRollout(snapshot({ colors: { blue: { ...running(2), ...active } } }), now)
    expect(decision).toMatchObject({ message, complete: false, phase: 'Preparing' })
  })

  test('a deadline that an earlier spec exceeded does not count against the present one', () => {
    const deadlineExceeded = 'ReplicaSet "a" has timed out progressing.'
    const failureOf = (current: boolean) =>
      decideRollout(snapshot({ colors: { blue: { ...running(2), current, deadlineExceeded } } }), now).failure
    expect(failureOf(true)).toBe(deadlineExceeded)
    expect(failureOf(false)).toBeUndefined()
  })
})
