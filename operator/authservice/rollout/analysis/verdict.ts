import type { AnalysisResult, DatabaseName } from '../decide/observation.ts'
import { quantileMilliseconds, type Traffic } from './pod-metrics.ts'

/** Thresholds of the analysis. */
export interface TrafficLimits {
  maxErrorRatePercent: number
  maxP99LatencyMilliseconds: number
  minLoginSuccessPercent: number
  /** Minimum number of requests for a verdict. */
  minRequests: number
}

/** A pod of the revision whose container has terminated since the pod was created. */
export interface RestartedPod {
  name: string
  restarts: number
  /** Such as `OOMKilled`. */
  reason: string
}

/**
 * Discards a result that an outage has affected, because counts do not tell the cause of an error. A terminated
 * container still counts against the revision.
 * @param now databases that are unavailable for servers of both revisions
 * @param before whether some were unavailable earlier in this rollout
 */
export function forgiveOutage(
  judged: AnalysisResult,
  { now, before }: { now: readonly DatabaseName[]; before: boolean },
): AnalysisResult {
  if (judged.containerDied === true) return judged
  if (now.length > 0) {
    const message = `no result: ${now.join(' and ')} ${now.length > 1 ? 'are' : 'is'} unavailable, also for the other revision`
    return { ...judged, verdict: 'noVerdict', message, outage: 'now' }
  }
  if (!before) return judged
  const message = `no result, because a database was unavailable for all revisions: ${judged.message}`
  return judged.verdict === 'fail'
    ? { ...judged, verdict: 'noVerdict', message, outage: 'before' }
    : { ...judged, outage: 'before' }
}

/**
 * Share of `minRequests` that must be logins before their success rate counts, so that a single typing error does not
 * decide.
 */
const leastShareOfLogins = 0.25

/** A terminated container outweighs all metrics. @returns undefined if there is none */
export function judgeRestarts(revision: string, [pod]: readonly RestartedPod[]): AnalysisResult | undefined {
  if (pod === undefined) return undefined
  const times = pod.restarts === 1 ? 'once' : `${pod.restarts} times`
  return {
    revision,
    verdict: 'fail',
    outage: undefined,
    containerDied: true,
    message: `pod ${pod.name} terminated ${times}, most recently with ${pod.reason}`,
  }
}

/**
 * Evaluates a revision by the counters of its pods. A terminated container is sufficient to fail it.
 * @param others counters of the pods of other revisions. Refused logins do not fail a revision if the others refuse too
 *   many as well, because the clients are then the cause
 */
export function judgeTraffic(
  revision: string,
  traffic: Traffic,
  restarted: readonly RestartedPod[],
  limits: TrafficLimits,
  others?: Traffic,
): AnalysisResult {
  const died = judgeRestarts(revision, restarted)
  if (died !== undefined) return died
  const { requests } = traffic
  if (requests < limits.minRequests) {
    const message = `no result: ${requests} of ${limits.minRequests} required requests`
    return { revision, verdict: 'noVerdict', message, outage: undefined }
  }
  const figures = figuresOf(traffic, limits, others)
  const bad = figures.filter(({ isBad }) => isBad)
  const message = (bad.length > 0 ? bad : figures).map(({ text }) => text).join(', ')
  const verdict = bad.length > 0 ? 'fail' : 'pass'
  return { revision, verdict, message: `${message}, in ${requests} requests`, outage: undefined }
}

interface Figure {
  isBad: boolean
  text: string
}

function figuresOf(traffic: Traffic, limits: TrafficLimits, others: Traffic | undefined): Figure[] {
  const { requests, errors, logins, loginsSucceeded, durations } = traffic
  const errorRate = (errors / requests) * 100
  const p99 = judgeP99({ requests, durations }, limits.maxP99LatencyMilliseconds)
  const success = (loginsSucceeded / logins) * 100
  const { maxErrorRatePercent, minLoginSuccessPercent, minRequests } = limits
  return [
    {
      isBad: errorRate > maxErrorRatePercent,
      text: `${percent(errorRate)} errors (maximum ${maxErrorRatePercent} %)`,
    },
    ...(p99 === undefined ? [] : [p99]),
    ...(logins < minRequests * leastShareOfLogins
      ? []
      : [
          {
            isBad: success < minLoginSuccessPercent,
            text: `${percent(success)} of logins succeed (minimum ${minLoginSuccessPercent} %)`,
          },
        ]),
    ...lockouts(traffic, limits, others),
  ]
}

/**
 * Logins that limits and locks refuse: a revision that locks users out checks no password, so it has few failed logins.
 * As many may be refused as may fail.
 */
function lockouts(own: Traffic, limits: TrafficLimits, others: Traffic | undefined): Figure[] {
  const enough = limits.minRequests * leastShareOfLogins
  const refusedPercent = (traffic: Traffic | undefined) => {
    const attempts = traffic === undefined ? 0 : traffic.logins + traffic.loginsRefused
    return traffic === undefined || attempts < enough ? undefined : (traffic.loginsRefused / attempts) * 100
  }
  const maximum = 100 - limits.minLoginSuccessPercent
  const [refused, elsewhere] = [refusedPercent(own), refusedPercent(others) ?? 0]
  if (refused === undefined || refused === 0) return []
  const isByClients = elsewhere > maximum
  const compared = isByClients ? `, and ${percent(elsewhere)} by the other revision` : ''
  return [
    {
      isBad: refused > maximum && !isByClients,
      text: `${percent(refused)} of logins are refused by limits and locks (maximum ${maximum} %)${compared}`,
    },
  ]
}

/**
 * With few requests, the slowest one alone determines the p99, and the first response of a new pod is slow. The number
 * of slow requests must therefore be statistically significant: a version whose true p99 is at the limit rarely has
 * that many.
 */
function judgeP99({ requests, durations }: Pick<Traffic, 'requests' | 'durations'>, limit: number): Figure | undefined {
  const p99 = quantileMilliseconds(durations, 0.99)
  if (p99 === undefined) return undefined
  const surelySlow = quantileMilliseconds(durations, 1 - mostByChance(requests, 0.01) / requests) ?? 0
  const isBad = surelySlow > limit
  const doubt = p99 > limit && !isBad ? `, inconclusive with ${requests} requests` : ''
  return { isBad, text: `p99 of ${Math.round(p99)} ms (maximum ${limit} ms${doubt})` }
}

/** Quantile of the standard normal distribution: one value in a hundred is greater. */
const oneInAHundred = 2.33

/**
 * The number of requests of a kind that is exceeded only once in about a hundred times, if each request is of that kind
 * with this probability. Uses the normal approximation with continuity correction.
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
