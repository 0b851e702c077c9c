import { createHash, randomBytes } from 'node:crypto'
import type { ClientSession, Collection, ObjectId } from 'mongodb'

export type TokenPurpose = 'reset_password' | 'verify_email' | 'change_email'

/** A token that was sent by mail. Only its hash is stored, and it is removed when it is used. */
export interface OneTimeToken {
  /** SHA-256 of the token. */
  _id: string
  purpose: TokenPurpose
  userId: ObjectId
  /** The address that it proves: it was sent there. */
  email: string
  createdAt: Date
  /** Worth nothing from then on; MongoDB removes it. */
  expiresAt: Date
}

/** Tokens of mails: each works once, for one purpose, for a while. */
export class OneTimeTokens {
  readonly #tokens: Collection<OneTimeToken>
  readonly #lifetimes: Record<TokenPurpose, number>

  /** @param lifetimes in seconds */
  constructor(tokens: Collection<OneTimeToken>, lifetimes: Record<TokenPurpose, number>) {
    this.#tokens = tokens
    this.#lifetimes = lifetimes
  }

  /** @returns the token, of 256 random bits: it is in no other place */
  async issue(
    { purpose, userId, email }: Pick<OneTimeToken, 'purpose' | 'userId' | 'email'>,
    now: Date,
    session?: ClientSession,
  ): Promise<string> {
    const token = randomBytes(32).toString('base64url')
    const expiresAt = new Date(now.getTime() + this.#lifetimes[purpose] * 1000)
    const entry = { _id: hashOf(token), purpose, userId, email, createdAt: now, expiresAt }
    await this.#tokens.insertOne(entry, optionsOf(session))
    return token
  }

  /** What a token is good for, without using it. */
  find(token: string, purposes: readonly TokenPurpose[], now: Date): Promise<OneTimeToken | null> {
    return this.#tokens.findOne({ _id: hashOf(token), purpose: { $in: [...purposes] }, expiresAt: { $gt: now } })
  }

  /** Uses the token up, together with what it is used for. @returns whether it was still there */
  async consume({ _id }: OneTimeToken, session: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#tokens.deleteOne({ _id }, { session })
    return deletedCount === 1
  }

  /** The newest address that waits for its confirmation. */
  async pendingEmail(userId: ObjectId, now: Date): Promise<string | undefined> {
    const filter = { userId, purpose: 'change_email' as const, expiresAt: { $gt: now } }
    return (await this.#tokens.findOne(filter, { sort: { createdAt: -1 } }))?.email
  }

  /** Links that were sent before are worth nothing any more. */
  async forget(userId: ObjectId, purposes: readonly TokenPurpose[], session?: ClientSession): Promise<void> {
    await this.#tokens.deleteMany({ userId, purpose: { $in: [...purposes] } }, optionsOf(session))
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

function optionsOf(session: ClientSession | undefined) {
  return session === undefined ? {} : { session }
}
