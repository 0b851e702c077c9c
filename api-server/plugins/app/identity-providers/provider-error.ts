/**
 * Why a login at a provider failed. `unavailable`: it does not answer, or with a fault of its own. `denied`: the user or
 * the provider has refused. `invalid`: the answer cannot be trusted, or the settings are wrong.
 */
export type ProviderFailure = 'unavailable' | 'denied' | 'invalid'

/** A provider did not log the user in. The message is for operators. */
export class ProviderError extends Error {
  override name = 'ProviderError'
  readonly failure: ProviderFailure

  constructor(failure: ProviderFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.failure = failure
  }
}

/** Codes of the library for errors without an answer of the provider. */
const noAnswer: ReadonlySet<unknown> = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT'])

/** @param error of the library, or of a request */
export function providerErrorOf(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  const { name, message, code, status, cause } = new Fields(error)
  // A request that could not be sent, RFC 6749 section 4.1.2.1 and 5.2: errors of the provider and of the network.
  if (name === 'AuthorizationResponseError') {
    const refusal = String(Reflect.get(Object(error), 'error'))
    const isFault = refusal === 'server_error' || refusal === 'temporarily_unavailable'
    return new ProviderError(isFault ? 'unavailable' : 'denied', `it answered ${shortened(refusal)}`, error)
  }
  if (noAnswer.has(code) || isNetworkError(error) || isNetworkError(cause)) {
    return new ProviderError('unavailable', `it does not answer: ${message}`, error)
  }
  const answered = status ?? (cause instanceof Response ? cause.status : undefined)
  if (answered !== undefined && (answered >= 500 || answered === 429)) {
    return new ProviderError('unavailable', `it answered with the status ${answered}`, error)
  }
  const refusal = Reflect.get(Object(error), 'error')
  const detail = typeof refusal === 'string' ? `: ${shortened(refusal)}` : ''
  return new ProviderError('invalid', `${message}${detail}`, error)
}

class Fields {
  readonly name: string
  readonly message: string
  readonly code: unknown
  readonly status: number | undefined
  readonly cause: unknown

  constructor(error: unknown) {
    this.name = error instanceof Error ? error.name : 'unknown'
    this.message = error instanceof Error ? error.message : 'unknown'
    this.code = Reflect.get(Object(error), 'code')
    const status: unknown = Reflect.get(Object(error), 'status')
    this.status = typeof status === 'number' ? status : undefined
    this.cause = error instanceof Error ? error.cause : undefined
  }
}

/** `fetch` rejects with a TypeError whose cause is the error of the network. */
function isNetworkError(error: unknown): boolean {
  return (
    (error instanceof TypeError && error.message === 'fetch failed') ||
    (error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError'))
  )
}

/** Text of a provider, for the log. */
function shortened(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
}
