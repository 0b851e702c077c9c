import { get as getPlain } from 'node:http'
import { get as getEncrypted } from 'node:https'
import { RequestCanceledError } from './errors.ts'

/** A complete response, with any status. */
export interface TextAnswer {
  status: number | undefined
  /** Empty if the response has none. */
  contentType: string
  text: string
}

export interface TextLimits {
  /** Time until the response is complete. */
  timeoutMilliseconds: number
  mostBytes: number
  /** Ends the request earlier. */
  signal?: AbortSignal | undefined
}

/**
 * Reads a complete response, on its own connection.
 * @throws RequestCanceledError if the signal aborts; AbortError if the response does not arrive in time; Error if it is
 * truncated, or longer than `mostBytes`
 */
export async function getText(url: URL, limits: TextLimits): Promise<TextAnswer> {
  try {
    return await requestText(url, limits)
  } catch (error) {
    if (limits.signal?.aborted !== true) throw error
    throw new RequestCanceledError(`GET ${url.href}`, limits.signal.reason)
  }
}

function requestText(url: URL, { timeoutMilliseconds, mostBytes, signal }: TextLimits): Promise<TextAnswer> {
  const get = url.protocol === 'https:' ? getEncrypted : getPlain
  const timeout = AbortSignal.timeout(timeoutMilliseconds)
  const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: ends }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > mostBytes) request.destroy(new Error(`the response is longer than ${mostBytes} bytes`))
        else chunks.push(chunk)
      })
      answer.on('end', () => {
        const contentType = answer.headers['content-type'] ?? ''
        resolve({ status: answer.statusCode, contentType, text: Buffer.concat(chunks).toString('utf8') })
      })
      answer.on('error', reject)
      answer.on('close', () => reject(new Error('the response is incomplete'))) // has no effect after the end
    })
    request.on('error', reject)
  })
}

/**
 * Reads a page of text from a pod. The pod may be gone, may not respond, or may belong to a tenant and never end its
 * response: in each of these cases there is no result, nor for a page that is longer than `mostBytes`.
 * @throws RequestCanceledError if the signal aborts
 */
export async function readText(url: string, limits: TextLimits): Promise<string | undefined> {
  try {
    const { status, text } = await getText(new URL(url), limits)
    return status === 200 ? text : undefined
  } catch (error) {
    if (error instanceof RequestCanceledError) throw error
    return undefined
  }
}
