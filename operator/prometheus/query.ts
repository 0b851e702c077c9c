import { getText } from '../kube/get-text.ts'

/** Of an answer that is longer nothing is used. */
const mostBytes = 1024 * 1024

/** The body of an answer, or why there is none, for a person. */
export type Page = { body: string } | { failure: string }

/**
 * Where an instant query goes.
 * @param address of the server, such as `http://prometheus.monitoring:9090`; `{namespace}` in it becomes the namespace,
 * for proxies that show each namespace its own series only
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export function queryUrl(address: string, namespace: string, query: string): URL {
  const url = new URL(address.replaceAll('{namespace}', encodeURIComponent(namespace)))
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/query`
  url.searchParams.set('query', query)
  return url
}

/**
 * Reads an answer of Prometheus. One that refuses a query says why in the body of a 4xx or 503, which is an answer too.
 * Never rejects: a server that is away or hangs is a failure that the rollout names.
 */
export async function readPage(url: URL, timeoutMilliseconds: number): Promise<Page> {
  try {
    const { status, contentType, text } = await getText(url, { timeoutMilliseconds, mostBytes })
    return contentType.startsWith('application/json') ? { body: text } : { failure: `${url.host} answers ${status}` }
  } catch (error) {
    return { failure: reasonOf(error instanceof Error ? error : new Error(String(error)), url, timeoutMilliseconds) }
  }
}

function reasonOf(error: Error, { host }: URL, timeoutMilliseconds: number): string {
  if (error.name === 'AbortError') return `${host} does not answer within ${timeoutMilliseconds / 1000} s`
  const code = 'code' in error ? ` (${String(error.code)})` : ''
  return `${host} cannot be asked: ${error.message || error.name}${code}`
}
