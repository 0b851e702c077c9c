import { describe, expect, test } from 'vitest'
import { fillIn, judgeByQuery, readAnswer } from './prometheus.ts'

const vector = (...values: string[]) => {
  const result = values.map((value, index) => ({ metric: { pod: `p${index}` }, value: [1_790_000_000.1, value] }))
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result } })
}
const judge = (body: string, bounds: { min?: number; max?: number }, restarts = 0) => {
  const pods = restarts === 0 ? [] : [{ name: 'accounts-green-1', restarts, reason: 'OOMKilled' }]
  return judgeByQuery('r2', readAnswer(body), pods, { query: 'q', ...bounds })
}

test('variables of a query are replaced, and other text is unchanged', () => {
  const words = { namespace: 'team-a', name: 'accounts', revision: 'abc', pods: ['a.b-green-1', 'a.b-green-2'] }
  expect(fillIn('up{namespace="{{namespace}}",pod=~"{{ pods }}"} / on({{name}}) {{revision}} {{other}}', words)).toBe(
    String.raw`up{namespace="team-a",pod=~"a\\.b-green-1|a\\.b-green-2"} / on(accounts) abc {{other}}`,
  )
})

describe('a revision', () => {
  test.each([
    ['within its bounds passes', ['0.004', '0.01'], { max: 0.01 }, 'pass', 'returns 0.004, expected at most 0.01'],
    [
      'with one series above fails',
      ['0.004', '0.0123456'],
      { max: 0.01 },
      'fail',
      'returns 0.01235, expected at most 0.01',
    ],
    ['below fails', ['0.5'], { min: 0.9, max: 1 }, 'fail', 'returns 0.5, expected at least 0.9 and at most 1'],
    ['without end fails', ['+Inf'], { max: 1 }, 'fail', 'returns Infinity, expected at most 1'],
    ['that nothing was divided for gets no verdict', ['NaN'], { max: 1 }, 'noVerdict', 'no value'],
    ['without series gets no verdict', [], { max: 1 }, 'noVerdict', 'no value'],
  ])('%s', (_name, values, bounds, verdict, message) => {
    expect(judge(vector(...values), bounds)).toMatchObject({ verdict, message: expect.stringContaining(message) })
  })

  test('whose container terminated fails, whatever the result of the query', () => {
    expect(judge(vector('0'), { max: 1 }, 1)).toMatchObject({ verdict: 'fail', containerDied: true })
  })
})

test.each([
  ['{"status":"success","data":{"resultType":"scalar","result":[1790000000,"0.25"]}}', { values: [0.25] }],
  [
    '{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}',
    { failure: 'bad_data: parse error: unexpected end' },
  ],
  ['{"status":"success","data":{"resultType":"matrix","result":[]}}', { failure: 'the query returns a matrix' }],
  ['<html>', { failure: 'the response is not one of Prometheus' }],
  ['null', { failure: 'the response is not one of Prometheus' }],
])('the response %s is parsed', (body, answer) => {
  expect(readAnswer(body)).toEqual(answer)
})
