import type { ResolvedSpec } from '../../api/resolved-spec.ts'
import type { PrometheusAnswer } from '../../model/observed-objects.ts'
import type { AnalysisResult } from '../decide/observation.ts'
import { judgeRestarts, type RestartedPod } from './verdict.ts'

/** The query of a spec, and the bounds of its result. */
export type PrometheusCheck = NonNullable<ResolvedSpec['rollout']['analysis']['prometheus']>

/** Variables of a query: `{{namespace}}`, `{{name}}` of the AuthService, `{{revision}}`, and `{{pods}}`. */
export interface QueryWords {
  namespace: string
  name: string
  revision: string
  /** Pods of the revision under analysis. */
  pods: readonly string[]
}

/**
 * Replaces the variables of a query. `{{pods}}` becomes a regular expression that matches the names of the pods of the
 * revision, for `pod=~"{{pods}}"`. Names of Kubernetes objects contain no character that PromQL quotes.
 */
export function fillIn(query: string, { namespace, name, revision, pods }: QueryWords): string {
  const words: Record<string, string> = { namespace, name, revision, pods: pods.map(escapeDots).join('|') }
  return query.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (text, word: string) => words[word] ?? text)
}

/** A dot matches any character in a regular expression; in PromQL strings, a backslash must be escaped. */
function escapeDots(name: string): string {
  return name.replaceAll('.', '\\\\.')
}

/**
 * Parses the response to an instant query: a scalar, or a vector with any number of series.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export function readAnswer(body: string): PrometheusAnswer {
  const answer = parse(body)
  if (answer?.status === 'error') return { failure: `${answer.errorType}: ${answer.error}` }
  const { resultType, result } = answer?.data ?? {}
  if (resultType === 'scalar' && isSample(result)) return { values: [numberOf(result[1])] }
  if (resultType === 'vector' && Array.isArray(result)) {
    return { values: result.flatMap(({ value }: { value?: unknown }) => (isSample(value) ? [numberOf(value[1])] : [])) }
  }
  return {
    failure: resultType === undefined ? 'the response is not one of Prometheus' : `the query returns a ${resultType}`,
  }
}

/**
 * Evaluates a revision by the values of the query: one value out of bounds is enough to fail. No series, NaN and a
 * missing response result in no verdict. A terminated container fails the revision regardless of the query.
 */
export function judgeByQuery(
  revision: string,
  answer: PrometheusAnswer,
  restarted: readonly RestartedPod[],
  { min, max }: PrometheusCheck,
): AnalysisResult {
  const died = judgeRestarts(revision, restarted)
  if (died !== undefined) return died
  const noVerdict = (why: string): AnalysisResult => {
    return { revision, verdict: 'noVerdict', message: `no result: ${why}`, outage: undefined }
  }
  if ('failure' in answer) return noVerdict(`Prometheus: ${answer.failure.slice(0, 200)}`)
  const values = answer.values.filter((value) => !Number.isNaN(value))
  if (values.length === 0) return noVerdict('the Prometheus query returns no value')
  const bounds = [
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ].join(' and ')
  const bad = values.find((value) => (min !== undefined && value < min) || (max !== undefined && value > max))
  const shown = rounded(bad ?? values[0] ?? 0)
  const message = `the Prometheus query returns ${shown}, expected ${bounds}`
  return { revision, verdict: bad === undefined ? 'pass' : 'fail', message, outage: undefined }
}

function rounded(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value)
}

interface Body {
  status?: string
  errorType?: string
  error?: string
  data?: { resultType?: string; result?: unknown }
}

function parse(body: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // the caller reports it: it is not a response of Prometheus
  }
}

/** Prometheus uses `+Inf` and `-Inf`. */
function numberOf(value: string): number {
  return Number(value.replace('Inf', 'Infinity'))
}

/** `[unix time, "value"]` */
function isSample(value: unknown): value is [number, string] {
  return Array.isArray(value) && value.length === 2 && typeof value[1] === 'string'
}
