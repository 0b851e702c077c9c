import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/** Statuses of what Node's parser refuses before there is a request. */
const statusOfCode: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/**
 * Answers bytes that do not become a request: headers over their size, a request that does not arrive in time, no HTTP
 * at all. There is no route and no log of a request: a flood of these costs next to nothing.
 */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = statusOfCode[error.code ?? ''] ?? 400
  const title = STATUS_CODES[status] ?? 'Error'
  const detail = detailOf(status)
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, code: codeOf(status) })
  socket.end(
    [
      `HTTP/1.1 ${status} ${title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

function detailOf(status: number): string {
  switch (status) {
    case 431:
      return 'The headers have more than 8 KiB.'
    case 408:
      return 'The request did not arrive in time.'
    default:
      return 'This is no HTTP request.'
  }
}

function codeOf(status: number): string {
  switch (status) {
    case 431:
      return 'headers_too_large'
    case 408:
      return 'request_timeout'
    default:
      return 'bad_request'
  }
}
