/** The tokens in the response to a login or a refresh. */
export interface IssuedTokens {
  accessToken: string
  refreshToken: string
}

/** @returns undefined when the body of the response has no tokens */
export function issuedTokens(body: unknown): IssuedTokens | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const [accessToken, refreshToken]: unknown[] = [Reflect.get(body, 'access_token'), Reflect.get(body, 'refresh_token')]
  if (typeof accessToken !== 'string' || typeof refreshToken !== 'string') return undefined
  return { accessToken, refreshToken }
}
