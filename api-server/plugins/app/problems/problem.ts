/**
 * Every error that clients can get: its status and meaning. A code never changes its meaning. The API description takes
 * its errors from here.
 */
export const problemCatalog = {
  bad_request: { status: 400, meaning: 'The request cannot be parsed: its JSON or URL is malformed.' },
  validation_failed: { status: 400, meaning: 'The request is invalid: see errors.' },
  token_missing: { status: 401, meaning: 'No access token was sent.' },
  token_invalid: { status: 401, meaning: 'This server did not issue the access token, or the token was modified.' },
  token_expired: { status: 401, meaning: 'The access token has expired. Refresh it.' },
  invalid_dpop_proof: {
    status: 401,
    meaning: 'The access token is bound to a key, and the request does not prove that it has this key (RFC 9449).',
  },
  session_revoked: { status: 401, meaning: 'The session has ended. Log in again.' },
  invalid_client: { status: 401, meaning: 'The client is unknown, or its secret is wrong.' },
  invalid_credentials: { status: 401, meaning: 'The email or the password is wrong, or the user is not active.' },
  mfa_token_invalid: {
    status: 401,
    meaning: 'The login with this mfa_token has expired, has ended or was already completed. Log in again.',
  },
  insufficient_user_authentication: {
    status: 401,
    meaning: 'This needs a second factor, or a more recent one (RFC 9470). Use /v1/auth/step-up, or log in again.',
  },
  second_factor_required: {
    status: 401,
    meaning: 'The user must have a second factor, and this session began without one, so it was ended. Log in again.',
  },
  refresh_invalid: { status: 401, meaning: 'The refresh token is unknown. Log in again.' },
  refresh_expired: { status: 401, meaning: 'The session has expired. Log in again.' },
  refresh_reused: { status: 401, meaning: 'The refresh token was already used, so the session was ended.' },
  csrf_failed: {
    status: 403,
    meaning: 'The refresh token is in a cookie, and the X-CSRF-Token of this browser is missing.',
  },
  one_time_token_invalid: {
    status: 400,
    meaning: 'The token of the link is unknown, has expired or was already used. Request a new mail.',
  },
  unsupported_token_type: {
    status: 400,
    meaning: 'The token is of a client itself, and has no session that could be ended. It is valid until it expires.',
  },
  cursor_invalid: { status: 400, meaning: 'This route did not issue the cursor.' },
  password_wrong: { status: 403, meaning: 'The current password is wrong.' },
  mfa_code_wrong: { status: 403, meaning: 'The code is wrong, has expired or was already used.' },
  passkey_refused: {
    status: 403,
    meaning:
      'The passkey was not accepted: detail says why. The options are valid for a minute, once, and for one client.',
  },
  passkey_not_allowed: { status: 403, meaning: 'Authenticators of this model are not allowed. Use another one.' },
  totp_not_allowed: { status: 403, meaning: 'New authenticator apps are not allowed. Add a passkey instead.' },
  insufficient_scope: {
    status: 403,
    meaning: 'The token is for an application, and lacks what the caller requires of it (RFC 6750).',
  },
  provider_login_required: {
    status: 403,
    meaning: 'Users with the domain of this email log in at their identity provider, and not with a password.',
  },
  forbidden: { status: 403, meaning: 'Only administrators may do this.' },
  not_found: { status: 404, meaning: 'This path does not exist.' },
  method_not_allowed: {
    status: 405,
    meaning: 'The path does not support this method. Allow lists the supported methods.',
  },
  last_admin: { status: 409, meaning: 'This is the last active administrator: create another one first.' },
  user_changed: { status: 409, meaning: 'Another request changed the user meanwhile. Try again.' },
  mfa_too_many: { status: 409, meaning: 'The user has too many second factors. Remove one first.' },
  mfa_last_factor: {
    status: 409,
    meaning: 'The user must have a second factor, and this is the last one: add another one first.',
  },
  passkey_taken: { status: 409, meaning: 'The passkey is already in use, for this account or another one.' },
  last_login_method: {
    status: 409,
    meaning: 'This is the last way in which the user can log in: add another one first.',
  },
  email_taken: { status: 409, meaning: 'This email is already registered.' },
  body_too_large: { status: 413, meaning: 'The body exceeds 16 KiB.' },
  unsupported_media_type: { status: 415, meaning: 'This route does not support the content type of the body.' },
  password_too_short: { status: 422, meaning: 'The new password is too short.' },
  password_too_long: { status: 422, meaning: 'The new password exceeds 72 bytes, the maximum that bcrypt uses.' },
  password_common: { status: 422, meaning: 'The new password is easy to guess.' },
  password_unusable: { status: 422, meaning: 'The password contains a zero byte or an invalid character.' },
  headers_too_large: { status: 431, meaning: 'The headers exceed 8 KiB.' },
  request_timeout: { status: 408, meaning: 'The request did not arrive in time.' },
  rate_limited: { status: 429, meaning: 'Too many requests. Retry-After says when to try again.' },
  locked: { status: 429, meaning: 'Too many failed logins from this address. Retry-After says when to try again.' },
  internal_error: { status: 500, meaning: 'The server failed. The request ID identifies the cause in its log.' },
  mail_not_configured: { status: 501, meaning: 'This server does not send mail: SMTP_URL is not set.' },
  busy: { status: 503, meaning: 'The server is busy checking passwords. Try again shortly.' },
  database_unavailable: { status: 503, meaning: 'The user database is unavailable. Try again shortly.' },
  limits_unavailable: {
    status: 503,
    meaning: 'The failed logins, which all servers count together, cannot be cleared. Try again shortly.',
  },
  mfa_unreadable: {
    status: 503,
    meaning: 'The server cannot decrypt the second factor, because its key is missing. Contact its operators.',
  },
  not_ready: { status: 503, meaning: 'No signing key is active yet. Try again shortly.' },
  revocation_unknown: { status: 503, meaning: 'The server cannot currently check whether the session has ended.' },
} as const satisfies Record<string, { status: number; meaning: string }>

/** Error codes that clients may rely on. */
export type ProblemCode = keyof typeof problemCatalog

type StatusOf<Code extends ProblemCode> = (typeof problemCatalog)[Code]['status']
export type ProblemStatus = StatusOf<ProblemCode>

/**
 * The titles of the documents: the reason phrases of HTTP, as RFC 9457 section 4.2.1 recommends. Not those of node:http,
 * whose import as a module loads Node's own client as well: 14 MB of every server.
 */
export const problemTitles: Readonly<Record<ProblemStatus, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}

export interface ProblemOptions {
  /** Sent as Retry-After. */
  retryAfterSeconds?: number
  /** Sent as Allow: the methods of the path. */
  allow?: string
  /** Additional parameters of WWW-Authenticate. RFC 9470 section 3, RFC 6750 section 3. */
  challenge?: Readonly<Record<string, string>>
  /** Additional members of the document. RFC 9457 section 3.2. */
  extensions?: Record<string, unknown>
  /** Values of the detail by their names, for the texts of pages in other languages. Not part of the document. */
  values?: Readonly<Record<string, string>>
  cause?: unknown
}

/** An error for the client: thrown anywhere, it becomes application/problem+json (RFC 9457). */
export class Problem extends Error {
  override name = 'Problem'
  readonly statusCode: ProblemStatus
  readonly code: ProblemCode
  readonly retryAfterSeconds: number | undefined
  readonly allow: string | undefined
  readonly challenge: Readonly<Record<string, string>>
  readonly extensions: Record<string, unknown>
  readonly values: Readonly<Record<string, string>>

  constructor(statusCode: ProblemStatus, code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.statusCode = statusCode
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
    this.allow = options.allow
    this.challenge = options.challenge ?? {}
    this.extensions = options.extensions ?? {}
    this.values = options.values ?? {}
  }
}

/**
 * @param statusCode that of the code in the catalog
 * @param detail what happened and what to do, for people
 */
export function problem<Code extends ProblemCode>(
  statusCode: StatusOf<Code>,
  code: Code,
  detail: string,
  options?: ProblemOptions,
): Problem {
  return new Problem(statusCode, code, detail, options)
}
