/** What of a request object decides how the client gets the answer. */
const ofAnswer = ['state', 'response_mode'] as const

/**
 * The server refuses request objects (RFC 9101), with an error for the client. The library does so before it reads them, so
 * that the error would lack the `state`, and come in another way than the client waits for. Nothing is trusted for it: both
 * could stand in the URL as well.
 *
 * @param url path and query of an authorization request
 * @returns the same with what is missing there
 */
export function withAnswerOfRequestObject(url: string): string {
  const [path = '', search = ''] = url.split(/\?(.*)/s)
  const query = new URLSearchParams(search)
  const payload = payloadOf(query.get('request'))
  if (payload === undefined) return url
  for (const name of ofAnswer) {
    const value: unknown = Reflect.get(payload, name)
    if (typeof value === 'string' && !query.has(name)) query.set(name, value)
  }
  return `${path}?${query}`
}

function payloadOf(jwt: string | null): object | undefined {
  const part = jwt?.split('.')[1]
  if (part === undefined) return undefined
  try {
    const payload: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof payload === 'object' && payload !== null ? payload : undefined
  } catch {
    return undefined // not a JWT, which the library refuses, too
  }
}
