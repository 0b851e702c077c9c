import { withoutSecrets } from '../observability/log-lines.ts'

/**
 * Why a server cannot be reached, in one line with its address and the error code, such as `connect ECONNREFUSED
 * 10.0.0.7:6379` or `getaddrinfo ENOTFOUND redis.example (redis.example:6379)`.
 *
 * @param address the requested host and port
 */
export function connectionFailure(error: unknown, address: string): string {
  // Node tries every address of a name, and reports each failure separately.
  const parts = error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error]
  const text = [...new Set(parts.map(textOf))].join('; ')
  return text.includes(address) ? text : `${text} (${address})`
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return withoutSecrets(String(error))
  const code: unknown = Reflect.get(error, 'code')
  const message = withoutSecrets(error.message) || error.name
  const isKnown = code === undefined || message.includes(String(code))
  return isKnown ? message : `${message} (${String(code)})`
}
