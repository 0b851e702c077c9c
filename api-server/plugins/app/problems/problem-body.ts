import { type Problem, problemTitles } from './problem.ts'

/** The document of RFC 9457 for a problem. */
export function problemBody({ statusCode, code, message, extensions }: Problem, requestId: string) {
  return {
    type: 'about:blank',
    title: problemTitles[statusCode],
    status: statusCode,
    detail: message,
    code,
    request_id: requestId,
    ...extensions,
  }
}
