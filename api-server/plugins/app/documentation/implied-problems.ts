import type { FastifySchema } from 'fastify'
import type { ProblemCode } from '../problems/problem.ts'

declare module 'fastify' {
  interface FastifySchema {
    /** Errors of this route in addition to those of `impliedProblems`. */
    problems?: readonly ProblemCode[]
  }
}

/** Fastify reads no body for these methods. */
const bodyless = new Set(['GET', 'HEAD'])

/** The errors that follow from the body, parameters and security of a route. */
export function impliedProblems(methods: string | readonly string[], schema: FastifySchema): ProblemCode[] {
  const readsBody = ![methods].flat().every((method) => bodyless.has(method))
  const isValidated = schema.body !== undefined || schema.querystring !== undefined || schema.params !== undefined
  const isForUsers = schema.security?.some((scheme) => 'bearer' in scheme) ?? false
  return [
    ...(readsBody ? (['body_too_large', 'unsupported_media_type'] as const) : []),
    ...(isValidated ? (['validation_failed'] as const) : []),
    ...(isForUsers
      ? (['token_missing', 'token_invalid', 'token_expired', 'session_revoked', 'revocation_unknown'] as const)
      : []),
    // Detected before routing.
    'bad_request',
    'headers_too_large',
    'request_timeout',
    'internal_error',
  ]
}
