import type { Collection } from 'mongodb'

/** That one session, or every session that a user had at a moment, has ended. */
export interface Revocation {
  /** `session:<sid>` or `user:<id>`. */
  _id: string
  kind: 'session' | 'user'
  subject: string
  /**
   * Of a user: tokens and sessions with a smaller version are worth nothing. Milliseconds of the database's clock,
   * always more than the one before: so neither the clocks of servers nor two events in one second blur the order.
   */
  watermark: number
  /** By the database's clock. */
  changedAt: Date
  /** No access token that it is about lives longer: servers forget it then. */
  tokensUntil: Date
  /** The database forgets it then. */
  expiresAt: Date
  /** Redis has not heard of it yet. */
  unpublished?: true
}

export type Revocations = Collection<Revocation>

export function revocationId(kind: Revocation['kind'], subject: string): string {
  return `${kind}:${subject}`
}

/** What a token says that revocations are about. */
export interface RevocableToken {
  sid: string
  sub: string
  ver: number
  /** Seconds since 1970. */
  iat: number
}
