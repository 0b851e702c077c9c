import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
} from 'mongodb'
import { DependencyAwayError } from '../../external/dependency-watch.ts'
import { Problem, type ProblemCode, problem, problemCatalog } from './problem.ts'
import { problemBody } from './problem-body.ts'

/** Turns every error into application/problem+json. RFC 9457. */
export default fp(
  async function problems(app) {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      return send(problemOf(error, request), request, reply)
    })
    app.setNotFoundHandler((request, reply) =>
      send(problem(404, 'not_found', `There is no ${request.method} ${request.url.split('?')[0]}.`), request, reply),
    )
  },
  { name: 'problems' },
)

/** The problem behind an error. What nobody foresaw is logged. */
export function problemOf(error: FastifyError, request: FastifyRequest): Problem {
  const known = toProblem(error)
  if (known.code === 'internal_error') request.log.error({ err: error }, 'request failed')
  if (known.code === 'validation_failed') recordInvalid(error, request)
  return known
}

/** Where the input was wrong, never what it was. */
function recordInvalid({ validation = [], validationContext = 'body' }: FastifyError, request: FastifyRequest): void {
  const where = `${request.routeOptions.url ?? 'unknown'} ${validationContext}${validation[0]?.instancePath ?? ''}`
  request.server.securityEvents.record('input_validation_fail', { address: request.ip, reason: where.slice(0, 200) })
}

/** What is said beside the body. */
export function sendHeaders(known: Problem, reply: FastifyReply): void {
  if (known.statusCode === 401) reply.header('www-authenticate', challenge(known))
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

/** Answers a request whose path cannot be read, before any hook: Fastify's own answer would be of another form. */
export function answerBadUrl(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  send(problem(400, 'bad_request', 'The path cannot be read: it has a % that is no escape.'), request, reply)
}

/** RFC 6750 section 3; for clients RFC 7617. */
function challenge({ code }: Problem): string {
  if (code === 'invalid_client') return 'Basic realm="clients", charset="UTF-8"'
  if (code === 'token_missing' || code === 'invalid_credentials') return 'Bearer realm="auth"'
  return `Bearer realm="auth", error="invalid_token", error_description="${code}"`
}

/** Codes of Fastify's own errors that clients cause. */
const codeOfStatus: Record<number, ProblemCode> = {
  400: 'bad_request',
  404: 'not_found',
  413: 'body_too_large',
  415: 'unsupported_media_type',
}

function toProblem(error: FastifyError): Problem {
  if (error instanceof Problem) return error
  if (error.validation !== undefined) {
    const errors = error.validation.map(({ instancePath, message }) => ({ pointer: instancePath, detail: message }))
    return problem(400, 'validation_failed', 'The request does not have the expected shape: see errors.', {
      extensions: { errors },
    })
  }
  if (isDatabaseAway(error)) {
    return problem(503, 'database_unavailable', 'The user database does not answer. Try again shortly.', {
      retryAfterSeconds: 2,
      cause: error,
    })
  }
  if (error.code?.startsWith('FST_CSRF_'))
    return problem(403, 'csrf_failed', 'Send the csrf_token of the log-in, or of GET /v1/auth/csrf, as X-CSRF-Token.')
  const code = codeOfStatus[error.statusCode ?? 500]
  if (code !== undefined) return problem(problemCatalog[code].status, code, error.message)
  return problem(500, 'internal_error', 'The server failed to answer; the request id finds the cause in its log.', {
    cause: error,
  })
}

/** The primary steps down or shuts down. @see https://www.mongodb.com/docs/manual/reference/error-codes/ */
const notPrimaryCodes = new Set([91, 189, 10_107, 11_600, 11_602, 13_435, 13_436])

export function isDatabaseAway(error: unknown): boolean {
  return (
    error instanceof DependencyAwayError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoNetworkError ||
    error instanceof MongoNotConnectedError ||
    error instanceof MongoWriteConcernError ||
    (error instanceof MongoServerError && notPrimaryCodes.has(Number(error.code))) ||
    // Classes that the driver does not export.
    (error instanceof Error && /^Mongo(WaitQueue|Operation)TimeoutError$/.test(error.name))
  )
}
