import { expect, test } from 'vitest'
import { linesOf, slowAnswer } from './slowest.ts'

const log = `[pod/bench-blue-a/server] {"level":30,"reqId":"bench-1-aa","durationMs":2.5,"msg":"request"}
[pod/bench-blue-a/server] {"level":30,"reqId":"bench-2-bb","durationMs":9,"msg":"request"}
[pod/bench-blue-a/server] a line that is no JSON bench-1-aa
`

test('a slow verification is shown with what the edge and its server say of it', () => {
  const server = linesOf<{ reqId: string; durationMs: number }>(log, ({ reqId }) => reqId, new Set(['bench-1-aa']))
  expect([...server.keys()]).toEqual(['bench-1-aa'])
  const answer = { connection: 'new connection', kind: 'verify', during: 'Stable', requestId: 'bench-1-aa' } as const
  const line = { request_id: 'bench-1-aa', seconds: 0.012, upstream: '10.0.0.1:80', upstream_seconds: '0.004' }
  expect(
    slowAnswer(
      { ...answer, at: 'now', milliseconds: 40.2, sentAfter: 3.4 },
      { pod: 'edge', line },
      server.get('bench-1-aa'),
    ),
  ).toEqual({
    ...{ at: 'now', connection: 'new connection', during: 'Stable', milliseconds: 40, sentAfter: 3 },
    ...{ edge: 12, upstream: '10.0.0.1:80: 0.004 s', server: 2.5, pod: 'bench-blue-a' },
  })
})

test('of a pod that is gone there is no log: what the client saw is shown alone', () => {
  const answer = { connection: 'c', kind: 'verify', during: 'Stable', requestId: 'x', at: 'now' } as const
  const seen = { at: 'now', connection: 'c', during: 'Stable', milliseconds: 40, sentAfter: 3 }
  expect(slowAnswer({ ...answer, milliseconds: 40.2, sentAfter: 3.4 }, undefined, undefined)).toEqual(seen)
})
