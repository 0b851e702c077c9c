/** The parts of an answer that a load counts. */
export interface Answer {
  status: number
  /** Whether the connection cannot be used for another request. */
  isLast: boolean
}

/** The target did not answer with HTTP/1.1. */
export class BadAnswerError extends Error {
  readonly code = 'BAD_ANSWER'
}

const maxCharacters = 1_048_576
const endOfHead = '\r\n\r\n'

/**
 * Reads the status and the end of an HTTP/1.1 answer (RFC 9112 sections 2 to 7). It reads less than a client does, so
 * that it needs little CPU time compared with the target.
 *
 * @param text everything received so far, one character per byte (latin1)
 * @param isClosed whether the connection has ended
 * @returns undefined while the answer is not complete
 * @throws BadAnswerError
 */
export function readAnswer(text: string, isClosed = false): Answer | undefined {
  if (text.length > maxCharacters) throw new BadAnswerError(`an answer has more than ${maxCharacters} bytes`)
  const headEnd = text.indexOf(endOfHead)
  if (headEnd === -1) return undefined
  const head = text.slice(0, headEnd + 2)
  const status = statusOf(head)
  const bodyStart = headEnd + endOfHead.length
  if (status < 200) return readAnswer(text.slice(bodyStart), isClosed)
  const end = bodyEnd(text, head, status, bodyStart)
  if (end === undefined ? !isClosed : text.length < end) return undefined
  if (end !== undefined && text.length > end) throw new BadAnswerError('more bytes than one answer')
  return { status, isLast: end === undefined || head.startsWith('HTTP/1.0') || /\r\nconnection: *close/i.test(head) }
}

function statusOf(head: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head)?.[1]
  if (status === undefined) throw new BadAnswerError(`not a status line: ${head.slice(0, 80)}`)
  return Number(status)
}

/** @returns the end of the body: infinite while unknown; undefined for a body that ends with the connection */
function bodyEnd(text: string, head: string, status: number, start: number): number | undefined {
  if (status === 204 || status === 304) return start
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return start + Number(length)
  return /\r\ntransfer-encoding:[^\r]*chunked/i.test(head) ? chunksEnd(text, start) : undefined
}

function chunksEnd(text: string, start: number): number {
  for (let from = start; ; ) {
    const lineEnd = text.indexOf('\r\n', from)
    if (lineEnd === -1) return Number.POSITIVE_INFINITY
    const size = /^[0-9a-f]+/i.exec(text.slice(from, lineEnd))?.[0]
    if (size === undefined) throw new BadAnswerError(`not a chunk size: ${text.slice(from, from + 80)}`)
    const length = Number.parseInt(size, 16)
    // The last chunk is empty. Optional trailers and an empty line follow.
    if (length === 0) {
      const end = text.indexOf(endOfHead, lineEnd)
      return end === -1 ? Number.POSITIVE_INFINITY : end + endOfHead.length
    }
    from = lineEnd + 2 + length + 2
    if (from > text.length) return Number.POSITIVE_INFINITY
  }
}
