import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quantileMilliseconds, sumTraffic, unavailableDatabases } from './pod-metrics.ts'
import { forgiveOutage, judgeTraffic, mostByChance } from './verdict.ts'

const limits = { maxErrorRatePercent: 5, maxP99LatencyMilliseconds: 500, minLoginSuccessPercent: 90, minRequests: 20 }

const pod = ({ ok = 100, errors = 0, logins = 0, failedLogins = 0, refusedLogins = 0, slow = 0 }) =>
  [
    '# TYPE http_requests_total counter',
    `http_requests_total{method="GET",route="/v1/auth/verify",status="200"} ${ok}`,
    `http_requests_total{method="GET",route="/v1/auth/verify",status="503"} ${errors}`,
    `http_requests_total{method="POST",route="/v1/auth/login",status="429"} ${refusedLogins}`,
    `http_request_duration_seconds_bucket{le="0.1",method="GET",route="/v1/auth/verify"} ${ok - slow}`,
    `http_request_duration_seconds_bucket{le="1",method="GET",route="/v1/auth/verify"} ${ok}`,
    `http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/v1/auth/verify"} ${ok + errors}`,
    `auth_logins_total{outcome="success"} ${logins}`,
    `auth_logins_total{outcome="invalid_credentials"} ${failedLogins}`,
    'process_cpu_seconds_total 3.5',
  ].join('\n')

const judge = (...pods: Parameters<typeof pod>[0][]) => judgeTraffic('r2', sumTraffic(pods.map(pod)), [], limits)

describe('a revision', () => {
  test('with good figures passes, with the figures in the message', () => {
    expect(judge({ ok: 60, logins: 30 }, { ok: 40 })).toEqual({
      revision: 'r2',
      verdict: 'pass',
      outage: undefined,
      message: expect.stringMatching(
        /^0 % errors \(maximum 5 %\), p99 of \d+ ms .*, 100 % of logins .*, in 100 requests$/,
      ),
    })
  })

  test('with too few requests gets no verdict', () => {
    expect(judge({ ok: 5, errors: 5 })).toMatchObject({
      verdict: 'noVerdict',
      message: expect.stringMatching(/10 of 20 required requests/),
    })
  })

  test.each([
    ['errors', { ok: 90, errors: 10 }, /10 % errors \(maximum 5 %\)/],
    ['slow answers', { ok: 100, slow: 50 }, /p99 of \d+ ms \(maximum 500 ms\)/],
    ['failed logins', { ok: 100, logins: 10, failedLogins: 20 }, /33.3 % of logins succeed \(minimum 90 %\)/],
  ])('with too many %s fails, and the message says which', (_, figures, message) => {
    expect(judge(figures)).toMatchObject({ verdict: 'fail', message: expect.stringMatching(message) })
  })

  describe('that locks users out', () => {
    const own = sumTraffic([pod({ ok: 100, logins: 4, refusedLogins: 16 })])

    test('fails, although it checks few passwords', () => {
      expect(judgeTraffic('r2', own, [], limits)).toMatchObject({
        verdict: 'fail',
        message: expect.stringMatching(
          /^80 % of logins are refused by limits and locks \(maximum 10 %\), in 116 requests$/,
        ),
      })
      const all = sumTraffic([pod({ ok: 100, refusedLogins: 30 })])
      expect(judgeTraffic('r2', all, [], limits)).toMatchObject({ verdict: 'fail' })
    })

    test('passes if the other revision refuses the logins of the clients as well', () => {
      const attacked = sumTraffic([pod({ logins: 10, refusedLogins: 90 })])
      expect(judgeTraffic('r2', own, [], limits, attacked)).toMatchObject({
        verdict: 'pass',
        message: expect.stringContaining(
          '80 % of logins are refused by limits and locks (maximum 10 %), and 90 % by the other revision',
        ),
      })
      const quiet = sumTraffic([pod({ logins: 90, refusedLogins: 1 })])
      expect(judgeTraffic('r2', own, [], limits, quiet)).toMatchObject({ verdict: 'fail' })
    })

    test('does not fail because of other refused requests', () => {
      const registrations = 'http_requests_total{method="POST",route="/v1/auth/register",status="429"} 90'
      expect(sumTraffic([pod({ logins: 10 }), registrations])).toMatchObject({ loginsRefused: 0 })
    })

    test('does not fail because of a few refused logins', () => {
      expect(judge({ logins: 1, refusedLogins: 3 })).toMatchObject({ verdict: 'pass' })
      expect(judge({ logins: 95, refusedLogins: 5 })).toMatchObject({ verdict: 'pass' })
    })
  })

  test('does not fail because of the first slow response of a new pod', () => {
    expect(judge({ ok: 32, slow: 1 })).toMatchObject({
      verdict: 'pass',
      message: expect.stringMatching(/p99 of \d{3} ms \(maximum 500 ms, inconclusive with 32 requests\)/),
    })
    expect(judge({ ok: 32, slow: 8 })).toMatchObject({ verdict: 'fail' })
    expect(judge({ ok: 10_000, slow: 400 })).toMatchObject({ verdict: 'fail' })
  })

  test.each([20, 32, 100, 1_000, 20_000])(
    'whose p99 is at its limit is hardly ever taken back for it, whether it had %i requests or more',
    (requests) => {
      const beyond = 1 - binomialCumulative(mostByChance(requests, 0.01), requests, 0.01)
      expect(beyond).toBeLessThan(0.025)
      expect(beyond).toBeGreaterThan(0.002)
    },
  )

  test('does not fail because of a few logins, because users mistype passwords', () => {
    expect(judge({ ok: 100, logins: 1, failedLogins: 2 })).toMatchObject({ verdict: 'pass' })
  })

  test('whose container terminated fails, however little traffic there was', () => {
    const restarted = [{ name: 'accounts-green-1', restarts: 1, reason: 'OOMKilled' }]
    expect(judgeTraffic('r2', sumTraffic([]), restarted, limits)).toMatchObject({
      verdict: 'fail',
      message: 'pod accounts-green-1 terminated once, most recently with OOMKilled',
    })
  })
})

describe('an outage of a database', () => {
  const up = 'mongodb_up 1\nredis_up 1'
  const without = (name: string) => up.replace(`${name}_up 1`, `${name}_up 0`)
  const bad = () => judge({ ok: 10, errors: 90 })

  test('is one that every server reports', () => {
    expect(unavailableDatabases([without('mongodb'), without('mongodb')])).toEqual(['MongoDB'])
    expect(unavailableDatabases([without('redis'), up])).toEqual([])
    expect(unavailableDatabases([])).toEqual([])
    expect(unavailableDatabases(['process_cpu_seconds_total 3.5'])).toEqual([])
  })

  test('that continues says nothing about the revision', () => {
    expect(forgiveOutage(bad(), { now: ['MongoDB', 'Redis'], before: false })).toMatchObject({
      verdict: 'noVerdict',
      outage: 'now',
      message: 'no result: MongoDB and Redis are unavailable, also for the other revision',
    })
  })

  test('that has ended discards a bad verdict, whose errors are still counted, and keeps a good one', () => {
    expect(forgiveOutage(bad(), { now: [], before: true })).toMatchObject({
      verdict: 'noVerdict',
      outage: 'before',
      message: expect.stringMatching(/^no result, because a database was unavailable .*90 % errors/),
    })
    expect(forgiveOutage(judge({ ok: 100 }), { now: [], before: true })).toMatchObject({ verdict: 'pass' })
  })

  test('excuses nothing while there is none, and never a terminated container', () => {
    expect(forgiveOutage(bad(), { now: [], before: false })).toMatchObject({ verdict: 'fail', outage: undefined })
    const died = judgeTraffic('r2', sumTraffic([]), [{ name: 'p', restarts: 1, reason: 'OOMKilled' }], limits)
    expect(forgiveOutage(died, { now: ['MongoDB'], before: true })).toMatchObject({ verdict: 'fail' })
  })
})

test('property: a quantile lies within the bucket that holds it', () => {
  const bounds = [0.005, 0.05, 0.5, 5]
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.0001, max: 4.9, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (seconds, share) => {
        const durations = new Map(bounds.map((bound) => [bound, seconds.filter((one) => one <= bound).length]))
        const exact = [...seconds].sort((a, b) => a - b)[Math.ceil(share * seconds.length) - 1] ?? 0
        const upper = bounds.find((bound) => exact <= bound) ?? 5
        const lower = [0, ...bounds].filter((bound) => bound < exact).at(-1) ?? 0
        const answer = quantileMilliseconds(durations, share) ?? -1
        expect(answer).toBeGreaterThanOrEqual(lower * 1000)
        expect(answer).toBeLessThanOrEqual(upper * 1000)
      },
    ),
  )
})

/** The probability of at most this many, summed term by term. */
function binomialCumulative(most: number, count: number, probability: number): number {
  let logarithm = count * Math.log(1 - probability)
  let sum = 0
  for (let k = 0; k <= most; k++) {
    sum += Math.exp(logarithm)
    logarithm += Math.log((count - k) / (k + 1)) + Math.log(probability / (1 - probability))
  }
  return sum
}
