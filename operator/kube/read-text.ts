import { get } from 'node:http'

/** Of an answer that is longer nothing is used. */
const mostBytes = 4 * 1024 * 1024

/**
 * Reads a page of text from a pod. A pod may be gone, may hang, or may be somebody's who sends no end: each of these is
 * no answer.
 */
export function readText(url: string, timeoutMilliseconds: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMilliseconds) }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > mostBytes) request.destroy()
        else chunks.push(chunk)
      })
      answer.on('end', () => resolve(answer.statusCode === 200 ? Buffer.concat(chunks).toString('utf8') : undefined))
      answer.on('close', () => resolve(undefined)) // cut in the middle; after the end it changes nothing
      answer.on('error', () => resolve(undefined))
    })
    request.on('error', () => resolve(undefined))
  })
}
