import type { LabelledPod, ServerMetrics } from '../model/observed-objects.ts'
import { serverPorts } from '../resources/server/server-environment.ts'
import { podUrl } from './pod-url.ts'

/** @returns the page of the server at this URL; undefined if it does not answer in time, or the page is too long */
export type ReadMetrics = (url: string, mostBytes: number) => Promise<string | undefined>

/** The page of our server has about 40 KiB; the image of a tenant may return anything. */
const mostBytesOfPod = 256 * 1024
/** Maximum amount that one reconcile reads from all pods together. */
const mostBytes = 32 * 1024 * 1024
const mostAtOnce = 8
/** Maximum amount that is kept of a pod until the reconcile ends: our servers need about 10 KiB. */
const mostKeptOfPod = 32 * 1024

/** The metric families that decisions use. Nothing else of a page is kept. */
const readFamilies = [
  'auth_signing_key_active_timestamp_seconds',
  'http_requests_total',
  'auth_logins_total',
  'mongodb_up',
  'redis_up',
]
const readLine = new RegExp(`^(?:${readFamilies.join('|')})[{ ].*$`, 'gm')
/** A histogram has a sample for each route, method and bound; only the bound is used. */
const histogram = 'http_request_duration_seconds_bucket'
const histogramLine = new RegExp(`^${histogram}\\{(?:.*,)?le="([^"]{1,20})".*\\} (\\S{1,30})`, 'gm')

/**
 * Reads the metrics of every running server pod, a few at a time. A pod without an address has not started and is
 * omitted. When the budget of the reconcile is used up, the remaining pods count as pods that did not answer, so that
 * the result for all pods is unknown.
 */
export async function readServerMetrics(pods: readonly LabelledPod[], read: ReadMetrics): Promise<ServerMetrics> {
  const running = pods.filter(isRunning)
  const answers = new Map<string, string | undefined>(running.map(({ metadata }) => [metadata.name, undefined]))
  const waiting = running.values()
  let bytesLeft = mostBytes
  const ask = async () => {
    for (const { metadata, status } of waiting) {
      if (bytesLeft <= 0) return
      const url = podUrl(status?.podIP ?? '', serverPorts.observability, '/metrics')
      const text = await read(url, mostBytesOfPod)
      // A pod without an answer may have sent as much as the limit allows.
      bytesLeft -= text === undefined ? mostBytesOfPod : text.length
      answers.set(metadata.name, text === undefined ? undefined : onlyRead(text))
    }
  }
  await Promise.all(Array.from({ length: mostAtOnce }, ask))
  return answers
}

/**
 * The used samples, as a separate text: a substring would keep the complete page in memory.
 * @returns undefined if there are more samples than our server has
 */
function onlyRead(text: string): string | undefined {
  const durations = new Map<string, number>()
  for (const [, bound = '', count = ''] of text.matchAll(histogramLine)) {
    durations.set(bound, (durations.get(bound) ?? 0) + Number(count))
  }
  const buckets = [...durations].map(([bound, count]) => `${histogram}{le="${bound}"} ${count}`)
  const kept = [...(text.match(readLine) ?? []), ...buckets].join('\n')
  return kept.length > mostKeptOfPod ? undefined : Buffer.from(kept).toString('utf8')
}

function isRunning({ metadata, status }: LabelledPod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase === 'Running' && status.podIP !== undefined
}
