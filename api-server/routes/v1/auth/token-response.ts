import type { IssuedToken } from '../../../plugins/app/tokens/issue-and-verify.ts'

/** The members of a response that describe its access token. RFC 6749 section 5.1. */
export function accessTokenResponse({ token, expiresInSeconds }: IssuedToken) {
  return { access_token: token, token_type: 'Bearer' as const, expires_in: expiresInSeconds }
}
