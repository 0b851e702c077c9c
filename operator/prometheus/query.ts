import { get as getPlain } from 'node:http'
import { get as getEncrypted } from 'node:https'

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
export function readPage(url: URL, timeoutMilliseconds: number): Promise<Page> {
  const get = url.protocol === 'https:' ? getEncrypted : getPlain
  return new Promise((resolve) => {
    const fail = (error: Error): void => resolve({ failure: reasonOf(error, url, timeoutMilliseconds) })
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMilliseconds) }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > mostBytes) request.destroy(new Error(`the answer is longer than ${mostBytes} bytes`))
        else chunks.push(chunk)
      })
      answer.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8')
        const isAnswer = answer.headers['content-type']?.startsWith('application/json') === true
        resolve(isAnswer ? { body } : { failure: `${url.host} answers ${answer.statusCode}` })
      })
      answer.on('error', fail)
    })
    request.on('error', fail)
  })
}

function reasonOf(error: Error, { host }: URL, timeoutMilliseconds: number): string {
  if (error.name === 'AbortError') return `${host} does not answer within ${timeoutMilliseconds / 1000} s`
  const code = 'code' in error ? ` (${String(error.code)})` : ''
  return `${host} cannot be asked: ${error.message || error.name}${code}`
}
