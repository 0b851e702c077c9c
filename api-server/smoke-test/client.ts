/** One answer of the API. */
export interface Answer {
  status: number
  body: Record<string, unknown>
}

/** Requests to one colour of the servers. */
export type Call = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options?: { bearer?: string | undefined; json?: object },
) => Promise<Answer>

/** A server that has not answered by then is not ready for users. */
const mostMilliseconds = 5_000

/** @param url of the Service of a colour, without a slash at the end */
export function callerOf(url: string): Call {
  return async (method, path, { bearer, json } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        // Each request by a connection of its own, so that every pod of the colour has its turn.
        connection: 'close',
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      signal: AbortSignal.timeout(mostMilliseconds),
    })
    const text = await response.text()
    return { status: response.status, body: isJson(response) && text !== '' ? JSON.parse(text) : {} }
  }
}

function isJson({ headers }: Response): boolean {
  return /\bjson\b/.test(headers.get('content-type') ?? '')
}
