import { expect, test } from 'vitest'
import { readinessOf } from './readiness.ts'

const ready = { type: 'Ready', status: 'True', observedGeneration: 2 }

test('an AuthService without a status waits for the operator', () => {
  expect(readinessOf({ metadata: { generation: 1 } })).toEqual({
    state: 'waiting',
    message: 'the operator has not reconciled it yet',
  })
})

test('Ready counts only for the generation that it observed', () => {
  expect(readinessOf({ metadata: { generation: 2 }, status: { conditions: [ready] } }).state).toBe('ready')
  expect(readinessOf({ metadata: { generation: 3 }, status: { conditions: [ready] } })).toEqual({
    state: 'waiting',
    message: 'the operator has not reconciled the last change yet',
  })
})

test("waiting and stalled carry the operator's message", () => {
  const waiting = { ...ready, status: 'False', message: 'waiting for 1 of 1 pods of quickstart-mongodb' }
  const stalled = { type: 'Stalled', status: 'True', observedGeneration: 2, message: 'Secret x is missing' }
  const of = (...conditions: (typeof waiting)[]) => readinessOf({ metadata: { generation: 2 }, status: { conditions } })
  expect(of(waiting)).toEqual({ state: 'waiting', message: waiting.message })
  expect(of(waiting, stalled)).toEqual({ state: 'stalled', message: stalled.message })
})
