import { get as getPlain } from 'node:http'
import { get as getEncrypted } from 'node:https'

/** An answer that came whole, whatever its status. */
export interface TextAnswer {
  status: number | undefined
  /** Empty where the answer names none. */
  contentType: string
  text: string
}

/**
 * Reads an answer whole, on a connection of its own.
 * @throws an AbortError when it does not come in time; an error when it is cut off, or longer than `mostBytes`
 */
export function getText(
  url: URL,
  { timeoutMilliseconds, mostBytes }: { timeoutMilliseconds: number; mostBytes: number },
): Promise<TextAnswer> {
  const get = url.protocol === 'https:' ? getEncrypted : getPlain
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMilliseconds) }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > mostBytes) request.destroy(new Error(`the answer is longer than ${mostBytes} bytes`))
        else chunks.push(chunk)
      })
      answer.on('end', () => {
        const contentType = answer.headers['content-type'] ?? ''
        resolve({ status: answer.statusCode, contentType, text: Buffer.concat(chunks).toString('utf8') })
      })
      answer.on('error', reject)
      answer.on('close', () => reject(new Error('the answer was cut off'))) // after the end it changes nothing
    })
    request.on('error', reject)
  })
}
