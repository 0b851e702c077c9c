/** What a logout token says. OpenID Connect Back-Channel Logout 1.0 section 2.4. */
export interface LogoutTokenClaims {
  iss: string
  /** The client. */
  aud: string
  /** The user. */
  sub: string
  /** The session that has ended, as in the ID token. */
  sid: string
  iat: number
  exp: number
  jti: string
  events: { 'http://schemas.openid.net/event/backchannel-logout': Record<string, never> }
}

/** The longest time that the specification recommends. */
const lifetimeSeconds = 120

/** @param jti unique among all tokens */
export function logoutTokenClaims(
  issuer: string,
  { clientId, userId, sessionId }: { clientId: string; userId: string; sessionId: string },
  jti: string,
  now: Date,
): LogoutTokenClaims {
  const iat = Math.floor(now.getTime() / 1_000)
  return {
    iss: issuer,
    aud: clientId,
    sub: userId,
    sid: sessionId,
    iat,
    exp: iat + lifetimeSeconds,
    jti,
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
}
