import type { ObjectId } from 'mongodb'

/** One log-in and the refresh tokens that follow from it: a family. Tokens are kept as SHA-256 only. */
export interface Session {
  /** The `sid` of its access tokens; its refresh tokens begin with it. */
  _id: string
  userId: ObjectId
  /** The user's watermark when it began: with less than the watermark of now it has ended. */
  version: number
  createdAt: Date
  lastUsedAt: Date
  /** Not refreshed until then, it has ended. */
  idleExpiresAt: Date
  /** It has ended then in any case. */
  expiresAt: Date
  /** No access token of it is good for longer. */
  accessUntil: Date
  current: { hash: string; issuedAt: Date }
  /** Tokens spent a moment ago, oldest first; each still leads to the current one: two tabs, or an answer that was lost. */
  recent: SpentToken[]
  /** Hashes of tokens spent before those; whoever shows one has stolen it or was robbed. */
  spent: string[]
  revokedAt?: Date
  revokedReason?: RevocationReason
  device?: string
  address?: string
}

export interface SpentToken {
  hash: string
  spentAt: Date
  /** The token after it, readable only with the token itself. */
  sealedSuccessor: string
}

/** Why a session has ended before its time. */
export type RevocationReason =
  | 'logout'
  | 'logout_all'
  | 'session_deleted'
  | 'reuse'
  | 'password_change'
  | 'email_change'
  | 'user_disabled'
  | 'user_deleted'
  | 'admin'
  | 'client'

export interface SessionLifetimes {
  idleSeconds: number
  absoluteSeconds: number
  /** Of its access tokens. */
  accessSeconds: number
}

/** A spent token leads to the current one for so long. */
export const graceMilliseconds = 10_000
/** Beyond the grace, for clocks of servers and database that differ. */
const clockMarginMilliseconds = 60_000
/** Tokens in their grace at a time; more would be a loop, not tabs. */
export const mostRecent = 30
/** Spent hashes that are remembered. An older one is refused all the same, as unknown. */
export const mostSpent = 100

/** What a presented refresh token leads to. */
export type RefreshDecision = 'rotate' | 'repeat' | 'reused' | 'expired' | 'revoked' | 'unknown'

/** @param hash of the presented token, which names this session */
export function decideRefresh(session: Session, hash: string, now: Date): RefreshDecision {
  const isCurrent = session.current.hash === hash
  const recent = session.recent.find((token) => token.hash === hash)
  // First, so that a made-up token learns nothing about the session that it names.
  if (!isCurrent && recent === undefined && !session.spent.includes(hash)) return 'unknown'
  if (session.revokedAt !== undefined) return 'revoked'
  if (now >= session.idleExpiresAt || now >= session.expiresAt) return 'expired'
  if (isCurrent) return 'rotate'
  return recent !== undefined && isInGrace(recent, now) ? 'repeat' : 'reused'
}

function isInGrace({ spentAt }: SpentToken, now: Date): boolean {
  return now.getTime() - spentAt.getTime() <= graceMilliseconds
}

/** What is written when the current token is replaced. */
export function rotation(
  session: Session,
  successor: { hash: string; sealed: string },
  lifetimes: SessionLifetimes,
  now: Date,
): Pick<Session, 'current' | 'recent' | 'spent' | 'lastUsedAt' | 'idleExpiresAt' | 'accessUntil'> {
  const justSpent = { hash: session.current.hash, spentAt: now, sealedSuccessor: successor.sealed }
  const inGrace = session.recent.filter((token) => isInGrace(token, now)).slice(1 - mostRecent)
  // The chain from a recent token to the current one must have no gap: what leaves is the oldest.
  const leaving = session.recent.slice(0, session.recent.length - inGrace.length)
  return {
    current: { hash: successor.hash, issuedAt: now },
    recent: [...inGrace, justSpent],
    spent: [...session.spent, ...leaving.map(({ hash }) => hash)].slice(-mostSpent),
    lastUsedAt: now,
    ...ends(now, lifetimes),
  }
}

/** Ends that move with each use. */
export function ends(
  now: Date,
  { idleSeconds, accessSeconds }: SessionLifetimes,
): Pick<Session, 'idleExpiresAt' | 'accessUntil'> {
  return {
    idleExpiresAt: new Date(now.getTime() + idleSeconds * 1000),
    // A token spent now may be shown again until the end of its grace, for another access token.
    accessUntil: new Date(now.getTime() + accessSeconds * 1000 + graceMilliseconds + clockMarginMilliseconds),
  }
}
