import type { ServerResponse } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { errorPage } from '../../pages/error.ts'
import { pageHeaders } from '../../pages/layout.ts'
import type { PageContext, Pages } from '../../pages/pages.ts'
import { oauthMessage, pageProblem } from '../../pages/problem-message.ts'
import { paths } from '../../plugins/app/oidc/build-provider.ts'
import { isLibraryError } from '../../plugins/app/oidc/failures.ts'
import { oauthErrorOf } from '../../plugins/app/problems/oauth-error.ts'
import { problemOf, sendHeaders } from '../../plugins/app/problems/plugin.ts'

interface FailureAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

/** Endpoints that programs call, and not browsers. */
const ofPrograms: ReadonlySet<string | undefined> = new Set([
  paths.token,
  paths.pushed_authorization_request,
  paths.device_authorization,
])

/** The answer to a request that failed outside of the library: JSON (RFC 6749 section 5.2, RFC 8628 section 3.2) or a page. */
function failureAnswer(error: unknown, request: FastifyRequest, pages: Pages): FailureAnswer {
  const context = pages.contextOf(request.raw)
  const { status, retryAfterSeconds, message, ...content } = describe(error, request, context)
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterSeconds)) }
  if (!ofPrograms.has(request.routeOptions.url)) {
    const page = errorPage(context, { code: content.error, message, details: content.error_description })
    return { status, headers: { ...headers, ...pageHeaders(context) }, body: page }
  }
  const type = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
  return { status, headers: { ...headers, ...type }, body: JSON.stringify(content) }
}

/** Answers instead of the library. Does nothing if it has answered. */
export function sendFailure(error: unknown, request: FastifyRequest, response: ServerResponse, pages: Pages): void {
  if (response.headersSent) return
  const { status, headers, body } = failureAnswer(error, request, pages)
  response.writeHead(status, headers).end(body)
}

/** The same before the library has the request. */
export function replyWithFailure(error: FastifyError, request: FastifyRequest, reply: FastifyReply, pages: Pages) {
  const { status, headers, body } = failureAnswer(error, request, pages)
  return reply.code(status).headers(headers).send(body)
}

/** Answers the request of a page of this server that failed. */
export function replyWithPage(error: FastifyError, request: FastifyRequest, reply: FastifyReply, pages: Pages) {
  const page = pages.contextOf(request.raw)
  reply.headers(pageHeaders(page))
  if (isLibraryError(error)) {
    return reply.code(400).send(errorPage(page, { code: error.error, message: page.t('error.expired') }))
  }
  const known = problemOf(error, request)
  sendHeaders(known, reply)
  const { message } = pageProblem(page, known)
  return reply.code(known.statusCode).send(errorPage(page, { code: known.code, message }))
}

interface Described {
  status: number
  retryAfterSeconds?: number | undefined
  /** What users read. */
  message: string
  error: string
  error_description?: string | undefined
}

function describe(error: unknown, request: FastifyRequest, context: PageContext): Described {
  if (isLibraryError(error)) {
    const { statusCode: status, error: code, error_description } = error
    return { status, message: oauthMessage(context.t, code), error: code, error_description }
  }
  const known = problemOf(error as FastifyError, request)
  return {
    status: known.statusCode,
    retryAfterSeconds: known.retryAfterSeconds,
    message: pageProblem(context, known).message,
    ...oauthErrorOf(known, request.id),
  }
}
