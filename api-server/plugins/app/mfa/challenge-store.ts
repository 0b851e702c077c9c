import { createHash } from 'node:crypto'
import type { ClientSession, Collection } from 'mongodb'
import { enrolmentTokenPrefix, hashOf, newOpaqueToken } from '../opaque-token.ts'
import type { UserKey } from '../users/user-key.ts'
import type { SealedSecret } from './sealed-secret.ts'

/** Something that a user has begun, and completes with a code. The client has a token, of which only the hash is stored. */
interface Begun {
  /** SHA-256 of the token. */
  _id: string
  userId: UserKey
  /** The user's watermark when it began: a higher one ends it. Decision 27. */
  version: number
  createdAt: Date
  /** Invalid after this time; MongoDB removes it. */
  expiresAt: Date
  /** Number of wrong codes. */
  failures: number
}

/** A login whose password was right, or that another provider has confirmed. */
export interface PendingLogin extends Begun {
  purpose: 'login'
  /** Whether the first step was a login at another provider. */
  isByProvider?: boolean
  /** Hash of what identifies the client: see `bindingOf`. */
  binding: string
}

/** A login whose password was right, of a user who must enrol a second factor first. Its token allows only that. */
interface PendingEnrolment extends Begun {
  purpose: 'enrolment'
  /** Hash of what identifies the client: see `bindingOf`. */
  binding: string
}

/** An authenticator app that is not confirmed yet. */
interface PendingTotp extends Begun {
  purpose: 'totp'
  /** The session that began. */
  sessionId: string
  factorId: string
  name: string
  secret: SealedSecret
}

export type Challenge = PendingLogin | PendingEnrolment | PendingTotp

type Added = 'version' | 'userId'
export type NewChallenge =
  | Pick<PendingLogin, Added | 'purpose' | 'binding' | 'isByProvider'>
  | Pick<PendingEnrolment, Added | 'purpose' | 'binding'>
  | Pick<PendingTotp, Added | 'purpose' | 'sessionId' | 'factorId' | 'name' | 'secret'>

/** Time for which a user may enrol after the password, in seconds: long enough to install an app. */
export const enrolmentSeconds = 900

/** A challenge ends with this number of wrong codes. */
const maxChallengeFailures = 5

/** Challenges in MongoDB, valid on every server. */
export class ChallengeStore {
  readonly #challenges: Collection<Challenge>
  readonly #lifetimeSeconds: number

  constructor(challenges: Collection<Challenge>, lifetimeSeconds: number) {
    this.#challenges = challenges
    this.#lifetimeSeconds = lifetimeSeconds
  }

  /** @returns the token, of 256 random bits, which is stored nowhere else */
  async begin(challenge: NewChallenge, now: Date): Promise<string> {
    const isEnrolment = challenge.purpose === 'enrolment'
    const token = `${isEnrolment ? enrolmentTokenPrefix : ''}${newOpaqueToken()}`
    const seconds = isEnrolment ? enrolmentSeconds : this.#lifetimeSeconds
    const expiresAt = new Date(now.getTime() + seconds * 1000)
    await this.#challenges.insertOne({ _id: hashOf(token), ...challenge, createdAt: now, expiresAt, failures: 0 })
    return token
  }

  /** Finds a challenge that is still valid, without using it. */
  async find<Purpose extends Challenge['purpose']>(
    token: string,
    purpose: Purpose,
    now: Date,
  ): Promise<Extract<Challenge, { purpose: Purpose }> | null> {
    const found = await this.#challenges.findOne({
      _id: hashOf(token),
      purpose,
      expiresAt: { $gt: now },
      failures: { $lt: maxChallengeFailures },
    })
    return found === null ? null : (found as Extract<Challenge, { purpose: Purpose }>)
  }

  /** Counts a wrong code. */
  async fail({ _id }: Pick<Challenge, '_id'>): Promise<void> {
    await this.#challenges.updateOne({ _id }, { $inc: { failures: 1 } })
  }

  /** Uses a challenge up. @returns false if another request was faster, or if it has ended meanwhile */
  async consume({ _id }: Pick<Challenge, '_id'>, session?: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#challenges.deleteOne(
      { _id, failures: { $lt: maxChallengeFailures } },
      session === undefined ? {} : { session },
    )
    return deletedCount === 1
  }

  /** Number of secrets of enrolments that are not confirmed yet, by the ID of the key that encrypted them. */
  async countByKey(): Promise<ReadonlyMap<string, number>> {
    const counted = this.#challenges.aggregate<{ _id: string; count: number }>([
      { $match: { 'secret.kid': { $exists: true } } },
      { $group: { _id: '$secret.kid', count: { $sum: 1 } } },
    ])
    return new Map((await counted.toArray()).map(({ _id, count }) => [_id, count]))
  }

  /** Removes everything that a user has begun. */
  async forget(userId: UserKey, session: ClientSession): Promise<void> {
    await this.#challenges.deleteMany({ userId }, { session })
  }
}

/**
 * What identifies the client of a login: its `User-Agent`, and in cookie mode a random cookie. Not its address, which
 * changes between two requests of one client. Decision 58.
 */
export function bindingOf(userAgent: string | undefined, cookie: string | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify([userAgent, cookie]))
    .digest('base64url')
}
