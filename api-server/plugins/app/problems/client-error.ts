import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { type ProblemCode, problem, problemCatalog } from './problem.ts'
import { problemBody } from './problem-body.ts'

/** Errors of Node's parser, before there is a request. */
const codeOfError: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/**
 * Answers input that does not become a request: headers that are too large, a request that does not arrive in time, or
 * no HTTP. There is no route and no log line, so a flood of these is cheap.
 */
export function respondToClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const code = codeOfError[error.code ?? ''] ?? 'bad_request'
  const { status, meaning } = problemCatalog[code]
  const requestId = randomUUID()
  const document = problemBody(
    problem(status, code, code === 'bad_request' ? 'This is not an HTTP request.' : meaning),
    requestId,
  )
  const body = JSON.stringify(document)
  socket.end(
    [
      `HTTP/1.1 ${status} ${document.title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      `x-request-id: ${requestId}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
