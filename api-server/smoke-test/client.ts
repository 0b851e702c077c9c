/** One answer of the API. */
export interface Answer {
  status: number
  body: Record<string, unknown>
  /** `name=value` of each cookie that it sets. */
  cookies: string[]
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
    return {
      status: response.status,
      body: isJson(response) && text !== '' ? JSON.parse(text) : {},
      cookies: response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? ''),
    }
  }
}

/**
 * Waits until something answers, whatever it says. A Service that was just made is known by name, and on every node,
 * some seconds later than its pods are ready: that is no fault of theirs.
 *
 * @throws the last error when nothing has answered by then
 */
export async function untilReachable(call: Call, mostMilliseconds: number): Promise<void> {
  const deadline = performance.now() + mostMilliseconds
  for (;;) {
    try {
      await call('GET', '/.well-known/jwks.json')
      return
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`nothing answers: ${causeOf(error)}`, { cause: error })
      await new Promise((again) => setTimeout(again, 250))
    }
  }
}

/** `fetch` says no more than that it failed; what failed is in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}

function isJson({ headers }: Response): boolean {
  return /\bjson\b/.test(headers.get('content-type') ?? '')
}
