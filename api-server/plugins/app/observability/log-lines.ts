import type { FastifyRequest } from 'fastify'

/** What must not be read in a log, in whatever text it comes along: a message of a database quotes what it was given. */
const secrets: [RegExp, string][] = [
  // user:password@ of a connection string; before emails, which look alike.
  [/(\w+:\/\/)[^\s/@]+@/g, '$1[redacted]@'],
  [/[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}.-]+\.\p{L}{2,}/gu, '[email]'],
  // A JWT, of whatever parts there are.
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, '[token]'],
  // A refresh token: the id of its session may be read, the rest not.
  [/\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[\w-]{43}/g, '$1.[token]'],
  [/\$2[aby]\$\d\d\$[./\w]{53}/g, '[hash]'],
  [/\b(Bearer|Basic)\s+[\w+/=.~-]+/gi, '$1 [redacted]'],
]

export function withoutSecrets(text: string): string {
  return secrets.reduce((cleaned, [pattern, replacement]) => cleaned.replace(pattern, replacement), text)
}

/** An error in a log: what a person looks for, and none of the further members that libraries hang on it. */
export type LoggedError = {
  type: string
  message: string
  code?: string | number
  stack: string
  cause?: LoggedError
}

const mostCauses = 5

export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutSecrets(String(error)), stack: '' }
  const code: unknown = Reflect.get(error, 'code')
  return {
    type: error.name,
    message: withoutSecrets(error.message),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    stack: withoutSecrets(error.stack ?? ''),
    ...(error.cause !== undefined && depth < mostCauses && { cause: loggedError(error.cause, depth + 1) }),
  }
}

/** A request in a log: its route, not its path, whose parts and query a client chooses. */
export function loggedRequest(request: FastifyRequest): Record<string, unknown> {
  return { method: request.method, route: request.routeOptions?.url ?? 'unknown', remoteAddress: request.ip }
}
