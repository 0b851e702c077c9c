/** Error codes that clients may rely on. One meaning each, for ever. */
export type ProblemCode =
  | 'bad_request'
  | 'validation_failed'
  | 'not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'email_taken'
  | 'invalid_credentials'
  | 'token_missing'
  | 'token_invalid'
  | 'token_expired'
  | 'session_revoked'
  | 'refresh_invalid'
  | 'refresh_expired'
  | 'refresh_reused'
  | 'password_too_short'
  | 'password_too_long'
  | 'password_common'
  | 'rate_limited'
  | 'locked'
  | 'busy'
  | 'database_unavailable'
  | 'revocation_unknown'
  | 'not_ready'
  | 'internal_error'

export interface ProblemOptions {
  /** Sent as Retry-After. */
  retryAfterSeconds?: number
  /** Further members of the document. RFC 9457 section 3.2. */
  extensions?: Record<string, unknown>
  cause?: unknown
}

/** An answer that is not what the client wanted: thrown anywhere, it becomes application/problem+json (RFC 9457). */
export class Problem extends Error {
  override name = 'Problem'
  readonly statusCode: number
  readonly code: ProblemCode
  readonly retryAfterSeconds: number | undefined
  readonly extensions: Record<string, unknown>

  constructor(statusCode: number, code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.statusCode = statusCode
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
    this.extensions = options.extensions ?? {}
  }
}

/** @param detail what happened and what to do, for a person */
export function problem(statusCode: number, code: ProblemCode, detail: string, options?: ProblemOptions): Problem {
  return new Problem(statusCode, code, detail, options)
}
