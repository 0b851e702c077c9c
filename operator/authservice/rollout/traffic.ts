/** What server pods have counted since they started, summed over pods. */
export interface Traffic {
  requests: number
  /** Answers with a status of 500 and above. */
  errors: number
  logins: number
  loginsSucceeded: number
  /** Requests that took at most so many seconds, by that bound, ascending. The last bound is infinite. */
  durations: ReadonlyMap<number, number>
}

/** A database that servers tell the state of, by the name of the gauge. */
const databases = [
  { gauge: 'mongodb_up', name: 'MongoDB' },
  { gauge: 'redis_up', name: 'Redis' },
] as const
export type DatabaseName = (typeof databases)[number]['name']

/** Databases that every one of these servers says are away; none where nobody says anything. */
export function databasesAway(metrics: readonly string[]): DatabaseName[] {
  if (metrics.length === 0) return []
  return databases.flatMap(({ gauge, name }) => {
    const says = new RegExp(`^${gauge} 0$`, 'm')
    return metrics.every((text) => says.test(text)) ? [name] : []
  })
}

interface Sample {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

/**
 * Sums the counters of several pods.
 * @param metrics what each of them answers, in Prometheus' text format
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
 * The time that a share of requests stayed under, in milliseconds, by linear interpolation within a bucket as
 * `histogram_quantile` of Prometheus does it. undefined without requests; the highest finite bound beyond it.
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
