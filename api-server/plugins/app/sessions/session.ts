import type { UserKey } from '../users/user-key.ts'
import type { Authentication } from './authentication.ts'

/** One login and its refresh tokens, a family. Tokens are stored only as SHA-256. */
export interface Session {
  /** The `sid` of its access tokens; its refresh tokens begin with it. */
  _id: string
  userId: UserKey
  /** The user's watermark when the session began. If it is lower than the current one, the session has ended. */
  version: number
  createdAt: Date
  lastUsedAt: Date
  /** Time at which the session ends unless it is refreshed. */
  idleExpiresAt: Date
  /** Time at which the session ends in any case. */
  expiresAt: Date
  /** Expiry of its last access token. */
  accessUntil: Date
  current: { hash: string; issuedAt: Date }
  /** Recently used tokens, oldest first. Each still leads to the current one, for two tabs or a lost response. */
  recent: SpentToken[]
  /** Hashes of earlier used tokens. If one of them is presented, it was stolen. */
  spent: string[]
  revokedAt?: Date
  revokedReason?: RevocationReason
  device?: string
  address?: string
  /** The last authentication. Servers without second factors (MFA_MODE) do not write it. */
  authentication?: Authentication
  /** The grant of a client of the OpenID provider; without it, the session is of a login at the API. Decision 69. */
  oauth?: OAuthGrant
  /**
   * Only of a session that a client has not redeemed the code of. It has the lifetime of the code, and gets this one when
   * the code is redeemed. Until then, nobody sees it, and it does not count. Decision 73.
   */
  unredeemed?: { expiresAt: Date }
}

/** A session without its used refresh tokens. */
export type ActiveSession = Omit<Session, 'recent' | 'spent'>

/** What a user has granted to a client. */
interface OAuthGrant {
  clientId: string
  /** Scopes, separated by spaces. */
  scope: string
  /** The login in a browser that it came from. A logout there ends it, unless its scope has `offline_access`. */
  loginUid: string
  /** JSON of what the library knows of the grant. */
  grant: string
  /** JSON of what the library knows of its refresh tokens; undefined: none was issued. */
  refresh?: string
  /** Time without a refresh after which the session ends, if that is shorter than for other sessions. */
  idleSeconds?: number
  /** The client is to be told when the session ends. Due from `dueAt` on, once `revokedAt` is set. */
  logoutNotice?: { attempts: number; dueAt: Date }
}

interface SpentToken {
  hash: string
  spentAt: Date
  /** The successor, readable only with the token itself. */
  sealedSuccessor: string
}

/** Why a session ended early. */
export type RevocationReason =
  | 'logout'
  | 'logout_all'
  | 'session_deleted'
  | 'reuse'
  | 'password_change'
  | 'email_change'
  | 'user_disabled'
  | 'user_deleted'
  | 'mfa_change'
  | 'mfa_policy'
  | 'identity_change'
  | 'admin'
  | 'client'
  | 'too_many'

export interface SessionLifetimes {
  idleSeconds: number
  absoluteSeconds: number
  /** Of its access tokens. */
  accessSeconds: number
  /** Time for which a used token leads to the current one. */
  graceSeconds: number
}

/** Added to the grace period for clock skew between servers and database. */
const clockMarginMilliseconds = 60_000
/** Maximum number of tokens in their grace period; more would be a loop, not tabs. */
const maxRecent = 30
/** Maximum number of remembered used hashes. An older one is refused as unknown. */
const maxSpent = 100

/** What a presented refresh token leads to. */
export type RefreshDecision = 'rotate' | 'repeat' | 'reused' | 'expired' | 'revoked' | 'unknown'

/** @param hash of the presented token, which identifies this session */
export function decideRefresh(
  session: Session,
  hash: string,
  lifetimes: Pick<SessionLifetimes, 'graceSeconds'>,
  now: Date,
): RefreshDecision {
  const isCurrent = session.current.hash === hash
  const recent = session.recent.find((token) => token.hash === hash)
  // First, so that a made-up token reveals nothing about the session.
  if (!isCurrent && recent === undefined && !session.spent.includes(hash)) return 'unknown'
  if (session.revokedAt !== undefined) return 'revoked'
  if (now >= session.idleExpiresAt || now >= session.expiresAt) return 'expired'
  if (isCurrent) return 'rotate'
  return recent !== undefined && isInGrace(recent, lifetimes, now) ? 'repeat' : 'reused'
}

function isInGrace(
  { spentAt }: SpentToken,
  { graceSeconds }: Pick<SessionLifetimes, 'graceSeconds'>,
  now: Date,
): boolean {
  return now.getTime() - spentAt.getTime() <= graceSeconds * 1000
}

/** The update that replaces the current token. */
export function rotation(
  session: Session,
  successor: { hash: string; sealed: string },
  lifetimes: SessionLifetimes,
  now: Date,
): Pick<Session, 'current' | 'recent' | 'spent' | 'lastUsedAt' | 'idleExpiresAt' | 'accessUntil'> {
  const justSpent = { hash: session.current.hash, spentAt: now, sealedSuccessor: successor.sealed }
  const inGrace = session.recent.filter((token) => isInGrace(token, lifetimes, now)).slice(1 - maxRecent)
  // The chain from a recent token to the current one must have no gap, so the oldest is removed.
  const leaving = session.recent.slice(0, session.recent.length - inGrace.length)
  return {
    current: { hash: successor.hash, issuedAt: now },
    recent: [...inGrace, justSpent],
    spent: [...session.spent, ...leaving.map(({ hash }) => hash)].slice(-maxSpent),
    lastUsedAt: now,
    ...ends(now, lifetimes),
  }
}

/** Expiry times that move with each use. */
export function ends(
  now: Date,
  { idleSeconds, accessSeconds, graceSeconds }: SessionLifetimes,
): Pick<Session, 'idleExpiresAt' | 'accessUntil'> {
  return {
    idleExpiresAt: new Date(now.getTime() + idleSeconds * 1000),
    // A token that is used now may be presented again until the end of its grace period, for another access token.
    accessUntil: new Date(now.getTime() + (accessSeconds + graceSeconds) * 1000 + clockMarginMilliseconds),
  }
}

/** Expiry times of a session until its code is redeemed. @param expiresAt its own from then on @param seconds until then */
export function untilRedeemed(
  expiresAt: Date,
  seconds: number,
  now: Date,
): Pick<Session, 'idleExpiresAt' | 'expiresAt' | 'unredeemed'> {
  const end = new Date(now.getTime() + seconds * 1000)
  return { idleExpiresAt: end, expiresAt: end, unredeemed: { expiresAt } }
}
