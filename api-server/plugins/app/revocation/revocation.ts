import type { Collection } from 'mongodb'

/** The end of one session, or of all sessions that a user had at one time. */
export interface Revocation {
  /** `session:<sid>` or `user:<id>`. */
  _id: string
  kind: 'session' | 'user'
  subject: string
  /**
   * For a user: tokens and sessions with a lower version have ended. Milliseconds of the database clock, always higher
   * than the previous one, so that the order depends neither on clocks of servers nor on the resolution of seconds.
   */
  watermark: number
  /** By the database's clock. */
  changedAt: Date
  /** Expiry of the last affected access token, at which servers forget the revocation. */
  tokensUntil: Date
  /** Time at which the database removes it. */
  expiresAt: Date
  /** It is not published to Redis yet. */
  unpublished?: true
}

export type Revocations = Collection<Revocation>

export function revocationId(kind: Revocation['kind'], subject: string): string {
  return `${kind}:${subject}`
}

/** The claims that revocations refer to. */
export interface RevocableToken {
  sid: string
  sub: string
  ver: number
  /** Seconds since 1970. */
  iat: number
}
