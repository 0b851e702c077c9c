import type { ClientSession, Collection } from 'mongodb'
import { hashOf, newOpaqueToken } from '../opaque-token.ts'
import type { UserKey } from '../users/user-key.ts'

export type TokenPurpose = 'reset_password' | 'verify_email' | 'change_email' | 'register'

/** A mailed token. Only its hash is stored, and it is removed when it is used. */
export interface OneTimeToken {
  /** SHA-256 of the token. */
  _id: string
  purpose: TokenPurpose
  /** With `register`, the ID of the future user. */
  userId: UserKey
  /** The address that the token verifies, to which it was sent. */
  email: string
  createdAt: Date
  /** The user's watermark at the time of the request. Earlier versions of the server did not write it. */
  version?: number
  /** With `register`: other fields of the future user. */
  registration?: { name: string; passwordHash: string }
  /** The token is invalid after this time; MongoDB removes it. */
  expiresAt: Date
}

/** Purpose of a token. `version`: the user's watermark at the time of the request. */
export type TokenSubject = Pick<OneTimeToken, 'purpose' | 'userId' | 'email' | 'registration'> & {
  version: number
}

/**
 * Mailed tokens: each works once, for one purpose, for a limited time. Only the newest one of a user and purpose is
 * valid.
 */
export class OneTimeTokens {
  readonly #tokens: Collection<OneTimeToken>
  readonly #lifetimes: Record<TokenPurpose, number>

  /** @param lifetimes in seconds */
  constructor(tokens: Collection<OneTimeToken>, lifetimes: Record<TokenPurpose, number>) {
    this.#tokens = tokens
    this.#lifetimes = lifetimes
  }

  /** Replaces the previous one. @returns the token, of 256 random bits, which is stored nowhere else */
  async issue(subject: TokenSubject, now: Date, session?: ClientSession): Promise<string> {
    const { purpose, userId } = subject
    const token = newOpaqueToken()
    const expiresAt = new Date(now.getTime() + this.#lifetimes[purpose] * 1000)
    await this.#tokens.insertOne({ _id: hashOf(token), ...subject, createdAt: now, expiresAt }, optionsOf(session))
    await this.#tokens.deleteMany({ userId, purpose, createdAt: { $lt: now } }, optionsOf(session))
    return token
  }

  /** The purpose of a token, without using it. */
  async find(token: string, purposes: readonly TokenPurpose[], now: Date): Promise<OneTimeToken | null> {
    const found = await this.#tokens.findOne({
      _id: hashOf(token),
      purpose: { $in: [...purposes] },
      expiresAt: { $gt: now },
    })
    // Two that were issued at the same time do not replace each other.
    const newest = found === null ? null : await this.#newest(found.userId, found.purpose, now)
    return newest?._id === found?._id ? found : null
  }

  /**
   * Uses the token up, in the transaction of its purpose.
   * @param watermark the user's, read in the same transaction
   * @returns whether it was valid: neither used, nor ended together with the user's sessions
   */
  async consume(token: OneTimeToken, watermark: number, session: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#tokens.deleteOne({ _id: token._id }, { session })
    return deletedCount === 1 && versionOf(token) >= watermark
  }

  /** The address that is not confirmed yet. @param watermark the user's */
  async pendingEmail(userId: UserKey, watermark: number, now: Date): Promise<string | undefined> {
    const newest = await this.#newest(userId, 'change_email', now)
    return newest !== null && versionOf(newest) >= watermark ? newest.email : undefined
  }

  /** Other links that would create a user with this email, in its canonical form. */
  async forgetRegistrations(email: string, session: ClientSession): Promise<void> {
    await this.#tokens.deleteMany({ purpose: 'register', email }, { session })
  }

  #newest(userId: UserKey, purpose: TokenPurpose, now: Date): Promise<OneTimeToken | null> {
    return this.#tokens.findOne({ userId, purpose, expiresAt: { $gt: now } }, { sort: { createdAt: -1, _id: -1 } })
  }

  /** Invalidates earlier links. @returns whether there were any */
  async forget(userId: UserKey, purposes: readonly TokenPurpose[], session?: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#tokens.deleteMany(
      { userId, purpose: { $in: [...purposes] } },
      optionsOf(session),
    )
    return deletedCount > 0
  }
}

/** A watermark is a time of the database's clock, in milliseconds. */
function versionOf({ version, createdAt }: OneTimeToken): number {
  return version ?? createdAt.getTime()
}

function optionsOf(session: ClientSession | undefined) {
  return session === undefined ? {} : { session }
}
