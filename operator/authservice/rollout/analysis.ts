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
  const p99 = quantileMilliseconds(durations, 0.99)
  const success = (loginsSucceeded / logins) * 100
  const { maxErrorRatePercent, maxP99LatencyMilliseconds, minLoginSuccessPercent, minRequests } = limits
  return [
    {
      isBad: errorRate > maxErrorRatePercent,
      text: `${percent(errorRate)} errors of at most ${maxErrorRatePercent} %`,
    },
    ...(p99 === undefined
      ? []
      : [
          {
            isBad: p99 > maxP99LatencyMilliseconds,
            text: `p99 of ${Math.round(p99)} ms of at most ${maxP99LatencyMilliseconds} ms`,
          },
        ]),
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

function percent(value: number): string {
  return `${Math.round(value * 10) / 10} %`
}
