/** A response of the API. */
export interface ApiResponse {
  status: number
  body: Record<string, unknown>
  /** `name=value` of each cookie in the response. */
  cookies: string[]
}

/** Requests to one colour of the servers. */
export type ApiClient = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options?: { bearer?: string | undefined; json?: object; cookie?: string },
) => Promise<ApiResponse>

/** Timeout of a request. A slower server is not ready for users. */
const maxMilliseconds = 5_000

/** @param url of the Service of a colour, without a trailing slash */
export function apiClient(url: string): ApiClient {
  return async (method, path, { bearer, json, cookie = '' } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(cookie !== '' && { cookie }),
        // A new connection for each request, so that every pod of the colour is tested.
        connection: 'close',
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      signal: AbortSignal.timeout(maxMilliseconds),
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
 * Waits for any response. The name and endpoints of a new Service reach all nodes some seconds after its pods are
 * ready.
 *
 * @throws the last error when there was no response by then
 */
export async function untilReachable(call: ApiClient, maxMilliseconds: number): Promise<void> {
  const deadline = performance.now() + maxMilliseconds
  for (;;) {
    try {
      await call('GET', '/.well-known/jwks.json')
      return
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`no response: ${causeOf(error)}`, { cause: error })
      await new Promise((again) => setTimeout(again, 250))
    }
  }
}

/** `fetch` reports only that it failed; the error is in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}

function isJson({ headers }: Response): boolean {
  return /\bjson\b/.test(headers.get('content-type') ?? '')
}
