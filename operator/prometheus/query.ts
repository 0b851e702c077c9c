import { RequestCanceledError } from '../kube/errors.ts'
import { getText, type TextLimits } from '../kube/get-text.ts'

/** A longer response is not used. */
const mostBytes = 1024 * 1024

/** The body of a response, or why there is none, as text for people. */
export type Page = { body: string } | { failure: string }

/**
 * URL of an instant query.
 * @param address of the server, such as `http://prometheus.monitoring:9090`; `{namespace}` is replaced by the
 * namespace, for proxies that show each namespace only its own series
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export function queryUrl(address: string, namespace: string, query: string): URL {
  const url = new URL(address.replaceAll('{namespace}', encodeURIComponent(namespace)))
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/query`
  url.searchParams.set('query', query)
  return url
}

/**
 * Reads a response of Prometheus. If Prometheus rejects a query, the body of the 4xx or 503 contains the reason, which
 * is a response as well. If the server is unavailable or does not answer, the result is a failure, which the rollout
 * reports.
 * @throws RequestCanceledError if the signal aborts
 */
export async function readPage(url: URL, limits: Pick<TextLimits, 'timeoutMilliseconds' | 'signal'>): Promise<Page> {
  try {
    const { status, contentType, text } = await getText(url, { ...limits, mostBytes })
    return contentType.startsWith('application/json') ? { body: text } : { failure: `${url.host} answers ${status}` }
  } catch (error) {
    if (error instanceof RequestCanceledError) throw error
    return {
      failure: reasonOf(error instanceof Error ? error : new Error(String(error)), url, limits.timeoutMilliseconds),
    }
  }
}

function reasonOf(error: Error, { host }: URL, timeoutMilliseconds: number): string {
  if (error.name === 'AbortError') return `${host} did not answer within ${timeoutMilliseconds / 1000} s`
  const code = 'code' in error ? ` (${String(error.code)})` : ''
  return `the request to ${host} failed: ${error.message || error.name}${code}`
}
