import type { Problem } from './problem.ts'
import { statusTexts } from './status-texts.ts'

/** The document of RFC 9457 for a problem. */
export function problemBody({ statusCode, code, message, extensions }: Problem, requestId: string) {
  return {
    type: 'about:blank',
    title: statusTexts[statusCode] ?? 'Error',
    status: statusCode,
    detail: message,
    code,
    request_id: requestId,
    ...extensions,
  }
}
