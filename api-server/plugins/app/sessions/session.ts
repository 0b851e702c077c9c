import type { ObjectId } from 'mongodb'

/** One log-in and the refresh tokens that follow from it: a family. Tokens are kept as SHA-256 only. */
export interface Session {
  /** The `sid` of its access tokens. */
  _id: string
  userId: ObjectId
  createdAt: Date
  lastUsedAt: Date
  /** Not refreshed until then, it has ended. */
  idleExpiresAt: Date
  /** It has ended then in any case. */
  expiresAt: Date
  current: { hash: string; issuedAt: Date }
  /** The token before, which still gets the current one for a moment: two tabs, or an answer that was lost. */
  previous?: { hash: string; rotatedAt: Date; sealedSuccessor: string }
  /** Hashes of the tokens before that; whoever shows one has stolen it or was robbed. */
  spent: string[]
  revokedAt?: Date
  revokedReason?: 'logout' | 'logout_all' | 'reuse'
  device?: string
  address?: string
}

/** A parent token gets the same successor again for so long. */
export const graceMilliseconds = 10_000
/** Spent hashes that are remembered. */
export const mostSpent = 100

/** What a presented refresh token leads to. */
export type RefreshDecision =
  | { outcome: 'rotate' }
  | { outcome: 'repeat'; sealedSuccessor: string }
  | { outcome: 'reused' }
  | { outcome: 'expired' }
  | { outcome: 'revoked' }

/** @param session the one that knows the token, current or spent @param hash of the presented token */
export function decideRefresh(session: Session, hash: string, now: Date): RefreshDecision {
  if (session.revokedAt !== undefined) return { outcome: 'revoked' }
  if (now >= session.idleExpiresAt || now >= session.expiresAt) return { outcome: 'expired' }
  if (hash === session.current.hash) return { outcome: 'rotate' }
  const { previous } = session
  if (previous?.hash === hash && now.getTime() - previous.rotatedAt.getTime() <= graceMilliseconds) {
    return { outcome: 'repeat', sealedSuccessor: previous.sealedSuccessor }
  }
  return { outcome: 'reused' }
}
