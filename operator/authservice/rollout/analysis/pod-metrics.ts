import type { DatabaseName } from '../decide/observation.ts'

/** Counters of server pods since they started, summed over the pods. */
export interface Traffic {
  requests: number
  /** Responses with a status of 500 and above. */
  errors: number
  logins: number
  loginsSucceeded: number
  /** Logins that a limit or a lock refused before the password was checked. `logins` does not include them. */
  loginsRefused: number
  /** Number of requests that took at most this many seconds, by bound, ascending. The last bound is infinite. */
  durations: ReadonlyMap<number, number>
}

/** A database whose state servers report, by the name of the gauge. */
const databases = [
  { gauge: 'mongodb_up', name: 'MongoDB' },
  { gauge: 'redis_up', name: 'Redis' },
] as const

/** Databases that all of these servers report as unavailable; none if no server reports anything. */
export function unavailableDatabases(metrics: readonly string[]): DatabaseName[] {
  if (metrics.length === 0) return []
  return databases.flatMap(({ gauge, name }) => {
    const says = new RegExp(`^${gauge} 0$`, 'm')
    return metrics.every((text) => says.test(text)) ? [name] : []
  })
}

const loginRoute = '/v1/auth/login'

interface Sample {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

/**
 * Sums the counters of several pods.
 * @param metrics response of each pod, in the Prometheus text format
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function sumTraffic(metrics: readonly string[]): Traffic {
  const samples = metrics.flatMap(samplesIn)
  const sum = (name: string, counts: (labels: Sample['labels']) => boolean = () => true) =>
    samples.reduce((total, one) => (one.name === name && counts(one.labels) ? total + one.value : total), 0)
  const durations = new Map<number, number>()
  for (const { name, labels, value } of samples) {
    if (name !== 'http_request_duration_seconds_bucket') continue
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
    durations.set(bound, (durations.get(bound) ?? 0) + value)
  }
  return {
    requests: sum('http_requests_total'),
    errors: sum('http_requests_total', ({ status = '' }) => Number(status) >= 500),
    logins: sum('auth_logins_total'),
    loginsRefused: sum('http_requests_total', ({ route, status }) => route === loginRoute && status === '429'),
    loginsSucceeded: sum('auth_logins_total', ({ outcome }) => outcome === 'success'),
    durations: new Map([...durations].sort(([a], [b]) => a - b)),
  }
}

/** Only the families that are summed: a server has hundreds of samples. */
const sampleLine = /^(http_requests_total|http_request_duration_seconds_bucket|auth_logins_total)(?:\{(.*)\})? (\S+)/gm
const labelPair = /(\w+)="((?:[^"\\]|\\.)*)"/g

function samplesIn(text: string): Sample[] {
  return [...text.matchAll(sampleLine)].map(([, name = '', labels = '', value = '']) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(labelPair)].map(([, label = '', content = '']) => [label, content])),
    value: Number(value),
  }))
}

/**
 * The time within which a share of requests completed, in milliseconds, by linear interpolation within a bucket, as in
 * `histogram_quantile` of Prometheus. undefined without requests; the highest finite bound if the result is beyond it.
 */
export function quantileMilliseconds(durations: Traffic['durations'], share: number): number | undefined {
  const total = Math.max(0, ...durations.values())
  if (total === 0) return undefined
  const rank = share * total
  let [lowerBound, below] = [0, 0]
  for (const [bound, count] of durations) {
    if (count >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return lowerBound * 1000
      const part = count === below ? 1 : (rank - below) / (count - below)
      return (lowerBound + (bound - lowerBound) * part) * 1000
    }
    lowerBound = bound
    below = count
  }
  return lowerBound * 1000
}
