import type { Collection } from 'mongodb'
import { isDuplicateKey } from '../../../duplicate-key.ts'
import { hashOf } from '../opaque-token.ts'
import type { UserKey } from '../users/user-key.ts'
import { ceremonySeconds } from './ceremony.ts'

/** A challenge that an authenticator has signed: no other response to it is accepted. */
export interface UsedChallenge {
  /** SHA-256 of the challenge. */
  _id: string
  purpose: 'used_passkey_challenge'
  userId: UserKey
  /** MongoDB removes it after this time, when the challenge has expired. */
  expiresAt: Date
}

/** For clocks of servers that differ. */
const marginSeconds = 60

/** Challenges that were used, on any server. */
export class UsedChallenges {
  readonly #used: Collection<UsedChallenge>

  constructor(used: Collection<UsedChallenge>) {
    this.#used = used
  }

  /** @param challenge of a response whose signature is right @returns false if it was used before */
  async use(challenge: string, userId: UserKey, now: Date): Promise<boolean> {
    const expiresAt = new Date(now.getTime() + (ceremonySeconds + marginSeconds) * 1000)
    try {
      await this.#used.insertOne({ _id: hashOf(challenge), purpose: 'used_passkey_challenge', userId, expiresAt })
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }
}
