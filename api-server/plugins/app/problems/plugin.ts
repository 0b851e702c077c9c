import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { DependencyUnavailableError } from '../../external/dependency-watch.ts'
import { TransactionConflictError } from '../../external/transaction.ts'
import { isDatabaseUnavailable } from './database-errors.ts'
import { Problem, type ProblemCode, problem, problemCatalog } from './problem.ts'
import { problemBody } from './problem-body.ts'

/** Turns every error into application/problem+json. RFC 9457. */
export default fp(
  async function problems(app) {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      return send(problemOf(error, request), request, reply)
    })
    app.setNotFoundHandler((request, reply) =>
      send(problem(404, 'not_found', `${request.method} ${request.url.split('?')[0]} does not exist.`), request, reply),
    )
  },
  { name: 'problems' },
)

/** The problem for an error. The cause is logged for unexpected errors, and for requests that MongoDB refused. */
export function problemOf(error: FastifyError, request: FastifyRequest): Problem {
  const known = toProblem(error)
  if (known.code === 'internal_error') request.log.error({ err: error }, 'request failed')
  if (known.code === 'database_unavailable' && isToBeLogged(known.cause)) {
    request.log.warn({ err: known.cause }, 'MongoDB did not execute a request')
  }
  if (known.code === 'validation_failed') recordInvalid(error, request)
  return known
}

/** An outage of MongoDB is logged once, when it is detected, and not for each request. */
function isToBeLogged(cause: unknown): boolean {
  return cause !== undefined && !(cause instanceof DependencyUnavailableError)
}

/** The location of invalid input, never its value. */
function recordInvalid({ validation = [], validationContext = 'body' }: FastifyError, request: FastifyRequest): void {
  const where = `${request.routeOptions.url ?? 'unknown'} ${validationContext}${validation[0]?.instancePath ?? ''}`
  request.server.securityEvents.record('input_validation_fail', { address: request.ip, reason: where.slice(0, 200) })
}

/** Headers of the response. */
export function sendHeaders(known: Problem, reply: FastifyReply): void {
  if (known.statusCode === 401 || known.code === 'insufficient_scope') {
    reply.header('www-authenticate', challenge(known))
  }
  if (known.allow !== undefined) reply.header('allow', known.allow)
  if (known.retryAfterSeconds !== undefined) reply.header('retry-after', Math.ceil(known.retryAfterSeconds))
}

function send(known: Problem, request: FastifyRequest, reply: FastifyReply) {
  sendHeaders(known, reply)
  return reply
    .code(known.statusCode)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(problemBody(known, request.id)))
}

/** Answers a request with an invalid path, before any hook. Fastify's own response would have another format. */
export function respondToBadUrl(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  send(problem(400, 'bad_request', 'The path is invalid: it contains a % that is not an escape.'), request, reply)
}

/** RFC 6750 section 3; for clients RFC 7617; for bound tokens RFC 9449 section 7.1. */
function challenge({ code, challenge: parameters }: Problem): string {
  if (code === 'invalid_client') return 'Basic realm="clients", charset="UTF-8"'
  if (code === 'token_missing' || code === 'invalid_credentials') return 'Bearer realm="auth"'
  if (code === 'insufficient_user_authentication' || code === 'insufficient_scope' || code === 'invalid_dpop_proof') {
    const more = Object.entries(parameters).map(([name, value]) => `, ${name}="${value}"`)
    return `${code === 'invalid_dpop_proof' ? 'DPoP' : 'Bearer'} realm="auth", error="${code}"${more.join('')}`
  }
  return `Bearer realm="auth", error="invalid_token", error_description="${code}"`
}

/** Codes of Fastify's own errors that clients can cause. */
const codeOfStatus: Record<number, ProblemCode> = {
  400: 'bad_request',
  404: 'not_found',
  413: 'body_too_large',
  415: 'unsupported_media_type',
}

/** Any thrown value: libraries throw errors with numeric codes, and values that are not errors. */
function toProblem(error: FastifyError): Problem {
  if (!(error instanceof Error)) return internalError(error)
  if (error instanceof Problem) return error
  if (error.validation !== undefined) {
    const errors = error.validation.map(({ instancePath, message }) => ({ pointer: instancePath, detail: message }))
    return problem(400, 'validation_failed', 'The request is invalid: see errors.', {
      extensions: { errors },
    })
  }
  if (error instanceof TransactionConflictError) {
    const detail = 'Too many concurrent changes. Try again.'
    return problem(503, 'busy', detail, { retryAfterSeconds: 1, cause: error.cause })
  }
  if (isDatabaseUnavailable(error)) {
    return problem(503, 'database_unavailable', 'The user database is unavailable. Try again shortly.', {
      retryAfterSeconds: 2,
      cause: error,
    })
  }
  if (String(error.code).startsWith('FST_CSRF_'))
    return problem(403, 'csrf_failed', 'Send the csrf_token of the login, or of GET /v1/auth/csrf, as X-CSRF-Token.')
  const code = codeOfStatus[error.statusCode ?? 500]
  if (code !== undefined) return problem(problemCatalog[code].status, code, error.message)
  return internalError(error)
}

function internalError(cause: unknown): Problem {
  return problem(500, 'internal_error', 'The server failed. The request ID identifies the cause in its log.', {
    cause,
  })
}
