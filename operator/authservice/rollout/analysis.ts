import { type DatabaseName, quantileMilliseconds, type Traffic } from './traffic.ts'
import type { AnalysisResult } from './world.ts'

/** From when on a revision's traffic is bad. */
export interface TrafficLimits {
  maxErrorRatePercent: number
  maxP99LatencyMilliseconds: number
  minLoginSuccessPercent: number
  /** Fewest requests for a verdict. */
  minRequests: number
}

/** A pod of the revision whose container ended since it was made. */
export interface RestartedPod {
  name: string
  restarts: number
  /** Such as `OOMKilled`. */
  reason: string
}

/**
 * Takes back a verdict that an outage has spoilt: counts do not tell whose fault an error was. A container that died is
 * the revision's own all the same.
 * @param now databases that are away for servers of this and of the other revision
 * @param before whether some were, earlier in this rollout
 */
export function forgiveOutage(
  judged: AnalysisResult,
  { now, before }: { now: readonly DatabaseName[]; before: boolean },
): AnalysisResult {
  if (judged.containerDied === true) return judged
  if (now.length > 0) {
    const message = `no verdict: ${now.join(' and ')} ${now.length > 1 ? 'are' : 'is'} away, for the other revision as well`
    return { ...judged, verdict: 'noVerdict', message, outage: 'now' }
  }
  if (!before) return judged
  const message = `no verdict, because a database was away for every revision: ${judged.message}`
  return judged.verdict === 'fail'
    ? { ...judged, verdict: 'noVerdict', message, outage: 'before' }
    : { ...judged, outage: 'before' }
}

/** Share of `minRequests` that must be log-ins before their success counts: a single typo is no verdict. */
const leastShareOfLogins = 0.25

/** A container that died is worse than any figure. @returns undefined while none has */
export function judgeRestarts(revision: string, [pod]: readonly RestartedPod[]): AnalysisResult | undefined {
  if (pod === undefined) return undefined
  const times = pod.restarts === 1 ? 'once' : `${pod.restarts} times`
  return {
    revision,
    verdict: 'fail',
    outage: undefined,
    containerDied: true,
    message: `pod ${pod.name} ended ${times}, last by ${pod.reason}`,
  }
}

/** Judges a revision by what its pods have counted. A container that died needs no count. */
export function judgeTraffic(
  revision: string,
  traffic: Traffic,
  restarted: readonly RestartedPod[],
  limits: TrafficLimits,
): AnalysisResult {
  const died = judgeRestarts(revision, restarted)
  if (died !== undefined) return died
  const { requests } = traffic
  if (requests < limits.minRequests) {
    const message = `no verdict: ${requests} requests, and ${limits.minRequests} are needed`
    return { revision, verdict: 'noVerdict', message, outage: undefined }
  }
  const figures = figuresOf(traffic, limits)
  const bad = figures.filter(({ isBad }) => isBad)
  const message = (bad.length > 0 ? bad : figures).map(({ text }) => text).join(', ')
  const verdict = bad.length > 0 ? 'fail' : 'pass'
  return { revision, verdict, message: `${message} (${requests} requests)`, outage: undefined }
}

interface Figure {
  isBad: boolean
  text: string
}

function figuresOf({ requests, errors, logins, loginsSucceeded, durations }: Traffic, limits: TrafficLimits): Figure[] {
  const errorRate = (errors / requests) * 100
  const p99 = judgeP99({ requests, durations }, limits.maxP99LatencyMilliseconds)
  const success = (loginsSucceeded / logins) * 100
  const { maxErrorRatePercent, minLoginSuccessPercent, minRequests } = limits
  return [
    {
      isBad: errorRate > maxErrorRatePercent,
      text: `${percent(errorRate)} errors of at most ${maxErrorRatePercent} %`,
    },
    ...(p99 === undefined ? [] : [p99]),
    ...(logins < minRequests * leastShareOfLogins
      ? []
      : [
          {
            isBad: success < minLoginSuccessPercent,
            text: `${percent(success)} of log-ins succeed, of at least ${minLoginSuccessPercent} %`,
          },
        ]),
  ]
}

/**
 * Of a few requests the slowest alone is the p99, and a pod that has just started is slow once. So as many must be slower
 * than the limit as a version with a p99 at the limit hardly ever has.
 */
function judgeP99({ requests, durations }: Pick<Traffic, 'requests' | 'durations'>, limit: number): Figure | undefined {
  const p99 = quantileMilliseconds(durations, 0.99)
  if (p99 === undefined) return undefined
  const surelySlow = quantileMilliseconds(durations, 1 - mostByChance(requests, 0.01) / requests) ?? 0
  const isBad = surelySlow > limit
  const doubt = p99 > limit && !isBad ? ', by too few requests to tell' : ''
  return { isBad, text: `p99 of ${Math.round(p99)} ms of at most ${limit} ms${doubt}` }
}

/** Of the standard normal distribution: one value in a hundred is greater. */
const oneInAHundred = 2.33

/**
 * How many of so many requests are of a kind, where each is with this probability: more are once in about a hundred times.
 * By the normal approximation with its continuity correction.
 * @see https://en.wikipedia.org/wiki/Binomial_distribution#Normal_approximation
 */
export function mostByChance(requests: number, probability: number): number {
  const mean = requests * probability
  const deviation = Math.sqrt(mean * (1 - probability))
  return Math.min(requests, Math.floor(mean + oneInAHundred * deviation + 0.5))
}

function percent(value: number): string {
  return `${Math.round(value * 10) / 10} %`
}
