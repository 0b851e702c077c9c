import { expect, test } from 'vitest'
import type { Judgement, RequestKind } from './judge.ts'
import { resultOf, Tally } from './tally.ts'

const ok: Judgement = { result: 'ok' }

function add(tally: Tally, judgement: Judgement, milliseconds: number, kind: RequestKind = 'verify'): void {
  const where = { at: '2026-11-24T12:00:00.000Z', connection: 'new connection', requestId: 'x', during: 'Promoting' }
  tally.add(judgement, { ...where, kind, milliseconds, sentAfter: 0 })
}

test('p99 is that of verification, failed requests included', () => {
  const tally = new Tally()
  for (let count = 0; count < 97; count++) add(tally, ok, 4)
  add(tally, { result: 'failed', why: 'ECONNRESET' }, 1_000)
  add(tally, { result: 'failed', why: 'ECONNRESET' }, 1_000)
  add(tally, ok, 2_000, 'login')
  expect(tally.p99Milliseconds).toBeCloseTo(1_000, -1)
})

test('a result counts refused logins separately from failures, and shows the control next to p99', () => {
  const tally = new Tally()
  add(tally, ok, 3)
  add(tally, { result: 'refused' }, 50, 'login')
  add(tally, { result: 'failed', why: '503 not_ready' }, 3)
  tally.addControl(5)
  expect(resultOf('bad-version', tally, { outcome: 'RolledBack', seconds: 31.26 })).toEqual({
    name: 'bad-version',
    requests: 3,
    failed: 1,
    p99_ms: 3,
    p99_ms_control: 5,
    seconds: 31.3,
    outcome: 'RolledBack',
    refused_logins: 1,
  })
  expect(tally.failures).toMatchObject([{ why: '503 not_ready', during: 'Promoting' }])
})

test('further measurements of a scenario are in its result', () => {
  const outcome = { outcome: 'RolledBack', seconds: 4, figures: { last_answer_s: 1.2345 } }
  expect(resultOf('instant-rollback', new Tally(), outcome)).toMatchObject({ last_answer_s: 1.23 })
})
