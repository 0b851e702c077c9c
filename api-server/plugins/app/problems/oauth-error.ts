import type { Static } from 'typebox'
import type { OAuthError } from '../../../schemas/oauth.ts'
import type { Problem, ProblemCode } from './problem.ts'

/** The error of RFC 6749 section 5.2 that is closest to a status. */
export function oauthErrorCode(status: number, code: ProblemCode): Static<typeof OAuthError>['error'] {
  if (code === 'invalid_client' || code === 'unsupported_token_type') return code
  if (status === 429 || status === 503) return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

export function oauthErrorOf({ statusCode, code, message }: Problem, requestId: string): Static<typeof OAuthError> {
  return { error: oauthErrorCode(statusCode, code), error_description: message, code, request_id: requestId }
}
