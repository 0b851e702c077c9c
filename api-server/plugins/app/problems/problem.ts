/**
 * Every error that clients may meet: the status that it comes with, and what it means. A code has one meaning, for ever.
 * The API description takes its errors from here.
 */
export const problemCatalog = {
  bad_request: { status: 400, meaning: 'The request cannot be read: its JSON or its URL is broken.' },
  validation_failed: { status: 400, meaning: 'The request does not have the expected shape: see errors.' },
  token_missing: { status: 401, meaning: 'No access token was sent.' },
  token_invalid: { status: 401, meaning: 'The access token is not one of this server, or was changed.' },
  token_expired: { status: 401, meaning: 'The access token has expired. Refresh it.' },
  session_revoked: { status: 401, meaning: 'The session has ended. Log in again.' },
  invalid_client: { status: 401, meaning: 'The client is not known, or its secret is wrong.' },
  invalid_credentials: { status: 401, meaning: 'The email or the password is wrong, or the user is not active.' },
  refresh_invalid: { status: 401, meaning: 'The refresh token is not known. Log in again.' },
  refresh_expired: { status: 401, meaning: 'The session has expired. Log in again.' },
  refresh_reused: { status: 401, meaning: 'The refresh token was used before: the session was ended.' },
  csrf_failed: {
    status: 403,
    meaning: 'The refresh token came in a cookie, without the X-CSRF-Token of this browser.',
  },
  one_time_token_invalid: {
    status: 400,
    meaning: 'The token of the link is not known, has expired or was used. Ask for a new mail.',
  },
  cursor_invalid: { status: 400, meaning: 'The cursor is not one that this route has given.' },
  password_wrong: { status: 403, meaning: 'The current password is wrong.' },
  forbidden: { status: 403, meaning: 'Only administrators may do this.' },
  not_found: { status: 404, meaning: 'There is nothing at this path.' },
  method_not_allowed: { status: 405, meaning: 'The path does not have that method: Allow names those that it has.' },
  last_admin: { status: 409, meaning: 'It is the last active administrator: make another one first.' },
  user_changed: { status: 409, meaning: 'The user was changed by somebody else meanwhile. Try again.' },
  email_taken: { status: 409, meaning: 'Somebody has registered with this email already.' },
  body_too_large: { status: 413, meaning: 'The body has more than 16 KiB.' },
  unsupported_media_type: { status: 415, meaning: 'The content type of the body is not one that this route reads.' },
  password_too_short: { status: 422, meaning: 'The new password is too short.' },
  password_too_long: { status: 422, meaning: 'The new password has more than 72 bytes, which bcrypt would cut.' },
  password_common: { status: 422, meaning: 'The new password is one of those that are guessed first.' },
  password_unusable: { status: 422, meaning: 'The password has a zero byte or half a character in it.' },
  headers_too_large: { status: 431, meaning: 'The headers have more than 8 KiB.' },
  request_timeout: { status: 408, meaning: 'The request did not arrive in time.' },
  rate_limited: { status: 429, meaning: 'Too many requests: Retry-After tells when to come back.' },
  locked: { status: 429, meaning: 'Too many failed log-ins from here: Retry-After tells when to come back.' },
  internal_error: { status: 500, meaning: 'The server failed: the request id finds the cause in its log.' },
  mail_not_configured: { status: 501, meaning: 'This server sends no mail: SMTP_URL is not set.' },
  busy: { status: 503, meaning: 'The server checks as many passwords as it can. Try again shortly.' },
  database_unavailable: { status: 503, meaning: 'The user database does not answer. Try again shortly.' },
  not_ready: { status: 503, meaning: 'No signing key is active yet. Try again shortly.' },
  revocation_unknown: { status: 503, meaning: 'The server cannot tell now whether the session has ended.' },
} as const satisfies Record<string, { status: number; meaning: string }>

/** Error codes that clients may rely on. */
export type ProblemCode = keyof typeof problemCatalog

type StatusOf<Code extends ProblemCode> = (typeof problemCatalog)[Code]['status']

export interface ProblemOptions {
  /** Sent as Retry-After. */
  retryAfterSeconds?: number
  /** Sent as Allow: the methods of the path. */
  allow?: string
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
  readonly allow: string | undefined
  readonly extensions: Record<string, unknown>

  constructor(statusCode: number, code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.statusCode = statusCode
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
    this.allow = options.allow
    this.extensions = options.extensions ?? {}
  }
}

/**
 * @param statusCode the one that the catalog has for the code
 * @param detail what happened and what to do, for a person
 */
export function problem<Code extends ProblemCode>(
  statusCode: StatusOf<Code>,
  code: Code,
  detail: string,
  options?: ProblemOptions,
): Problem {
  return new Problem(statusCode, code, detail, options)
}
