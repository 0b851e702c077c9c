import type { FastifyRequest } from 'fastify'

/** Texts that must not appear in a log, wherever they come from: error messages of a database quote their input. */
const secrets: [RegExp, string][] = [
  // user:password@ of a connection string; before emails, which look similar.
  [/(\w+:\/\/)[^\s/@]+@/g, '$1[redacted]@'],
  [/[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}.-]+\.\p{L}{2,}/gu, '[email]'],
  // A JWT, also a part of one.
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, '[token]'],
  // A refresh token: the ID of its session may be logged, the rest may not.
  [/\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[\w-]{43}/g, '$1.[token]'],
  [/\$2[aby]\$\d\d\$[./\w]{53}/g, '[hash]'],
  [/\b(Bearer|Basic)\s+[\w+/=.~-]+/gi, '$1 [redacted]'],
]

export function withoutSecrets(text: string): string {
  return secrets.reduce((cleaned, [pattern, replacement]) => cleaned.replace(pattern, replacement), text)
}

/** An error in a log: the useful members, without the additional ones of libraries. */
export type LoggedError = {
  type: string
  message: string
  code?: string | number
  stack: string
  cause?: LoggedError
}

const maxCauses = 5

export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutSecrets(String(error)), stack: '' }
  const code: unknown = Reflect.get(error, 'code')
  return {
    type: error.name,
    message: withoutSecrets(error.message),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    stack: withoutSecrets(error.stack ?? ''),
    ...(error.cause !== undefined && depth < maxCauses && { cause: loggedError(error.cause, depth + 1) }),
  }
}

/** A request in a log: its route, not its path, because a client chooses path and query. */
export function loggedRequest(request: FastifyRequest): Record<string, unknown> {
  return { method: request.method, route: request.routeOptions?.url ?? 'unknown', remoteAddress: request.ip }
}
