/**
 * The API server rejected a request. @see
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export class KubeError extends Error {
  override name = 'KubeError'
  /** HTTP status. */
  readonly status: number
  /** CamelCase, for programs: `NotFound`, `Conflict`, `Forbidden`, `Expired`, … */
  readonly reason: string
  /** Delay that the server requests before a retry. */
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message)
    this.status = status
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
  }

  /** Reads the Status object of an error response; a proxy in between may return anything else. */
  static from(status: number, body: string, retryAfter: string | undefined, request: string): KubeError {
    const seconds = retryAfter === undefined ? undefined : Number(retryAfter)
    const wait = seconds !== undefined && Number.isFinite(seconds) ? seconds : undefined
    try {
      const { reason, message } = JSON.parse(body)
      if (typeof message === 'string') {
        return new KubeError(status, typeof reason === 'string' ? reason : `${status}`, `${request}: ${message}`, wait)
      }
    } catch {
      // Not JSON: show the beginning of the text.
    }
    return new KubeError(status, `${status}`, `${request}: HTTP ${status} ${body.slice(0, 200)}`, wait)
  }
}

/** The caller ended a request through its signal, because a deadline passed or the operator stops. */
export class RequestCanceledError extends Error {
  override name = 'RequestCanceledError'

  /** @param request method and path, or URL @param reason of the signal */
  constructor(request: string, reason: unknown) {
    super(`${request}: canceled before its answer ended: ${reason instanceof Error ? reason.message : String(reason)}`)
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.status === 404
}

export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409
}

/** The resource version is too old to list or watch from. */
export function isExpired(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 410 || error.reason === 'Expired')
}
