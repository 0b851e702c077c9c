import type { ClientSession, Collection } from 'mongodb'
import type { UserKey } from '../users/user-key.ts'
import type { SealedSecret } from './sealed-secret.ts'

/** An authenticator app. RFC 6238. */
export interface TotpFactor {
  id: string
  type: 'totp'
  /** Given by the user. */
  name: string
  secret: SealedSecret
  createdAt: Date
  lastUsedAt: Date
  /** The time step of the last used code, which no later code may have or precede. */
  lastStep: number
}

/** The second factors of a user, in one document: every change of it is one write. Users without factors have none. */
export interface UserFactors {
  /** The user. */
  _id: UserKey
  factors: TotpFactor[]
  /** Hashes of the recovery codes that were not used. */
  recoveryCodes: string[]
}

/** Maximum number of factors of a user. */
export const maxFactors = 10

/**
 * Second factors in MongoDB. Uses are conditional writes: of concurrent requests to any servers, one succeeds.
 */
export class FactorStore {
  readonly #factors: Collection<UserFactors>

  /** @param factors read from the primary: a stale read would miss a factor */
  constructor(factors: Collection<UserFactors>) {
    this.#factors = factors
  }

  find(userId: UserKey, session?: ClientSession): Promise<UserFactors | null> {
    return this.#factors.findOne({ _id: userId }, optionsOf(session))
  }

  /** Whether any user has a second factor that was enrolled before this time. */
  async isInUse(before: Date): Promise<boolean> {
    const found = await this.#factors.findOne({ 'factors.createdAt': { $lt: before } }, { projection: { _id: 1 } })
    return found !== null
  }

  /** Which of these users have second factors, as the text of their keys. */
  async whoHasSome(userIds: readonly UserKey[]): Promise<ReadonlySet<string>> {
    const found = this.#factors.find({ _id: { $in: [...userIds] } }, { projection: { _id: 1 } })
    return new Set((await found.toArray()).map(({ _id }) => _id.toString()))
  }

  /** Uses a code of an app up. @returns false if a code of this step, or of a later one, was used before */
  async useStep(userId: UserKey, factorId: string, step: number, now: Date): Promise<boolean> {
    const { modifiedCount } = await this.#factors.updateOne(
      { _id: userId, factors: { $elemMatch: { id: factorId, lastStep: { $lt: step } } } },
      { $set: { 'factors.$.lastStep': step, 'factors.$.lastUsedAt': now } },
    )
    return modifiedCount === 1
  }

  /** Uses a recovery code up. @returns false if the user has no such code */
  async useRecoveryCode(userId: UserKey, hash: string): Promise<boolean> {
    const { modifiedCount } = await this.#factors.updateOne(
      { _id: userId, recoveryCodes: hash },
      { $pull: { recoveryCodes: hash } },
    )
    return modifiedCount === 1
  }

  /** Replaces a secret that an earlier key encrypted. @returns false if it has changed since it was read */
  async reseal(userId: UserKey, { id, secret }: TotpFactor, resealed: SealedSecret): Promise<boolean> {
    const { modifiedCount } = await this.#factors.updateOne(
      { _id: userId, factors: { $elemMatch: { id, 'secret.data': secret.data } } },
      { $set: { 'factors.$.secret': resealed } },
    )
    return modifiedCount === 1
  }

  /** The users with secrets that another key encrypted, one batch at a time. */
  sealedByOthersThan(kid: string): AsyncIterable<Pick<UserFactors, '_id' | 'factors'>> {
    return this.#factors.find(
      { factors: { $elemMatch: { 'secret.kid': { $exists: true, $ne: kid } } } },
      { projection: { factors: 1 }, batchSize: 100 },
    )
  }

  /** Number of secrets by the ID of the key that encrypted them. */
  async countByKey(): Promise<ReadonlyMap<string, number>> {
    const counted = this.#factors.aggregate<{ _id: string; count: number }>([
      { $unwind: '$factors' },
      { $match: { 'factors.secret.kid': { $exists: true } } },
      { $group: { _id: '$factors.secret.kid', count: { $sum: 1 } } },
    ])
    return new Map((await counted.toArray()).map(({ _id, count }) => [_id, count]))
  }

  /**
   * Adds a factor, in a transaction that also writes the user's watermark, so that concurrent additions conflict.
   * @param recoveryCodes hashes that the user gets with the first factor
   * @returns `first` if the user had none, `full` if there are too many
   */
  async add(
    userId: UserKey,
    factor: TotpFactor,
    recoveryCodes: string[],
    session: ClientSession,
  ): Promise<'first' | 'added' | 'full'> {
    const found = await this.find(userId, session)
    if (found === null) {
      await this.#factors.insertOne({ _id: userId, factors: [factor], recoveryCodes }, { session })
      return 'first'
    }
    if (found.factors.length >= maxFactors) return 'full'
    await this.#factors.updateOne({ _id: userId }, { $push: { factors: factor } }, { session })
    return 'added'
  }

  /** Removes a factor, and the recovery codes with the last one. @returns the removed factor */
  async remove(userId: UserKey, factorId: string, session: ClientSession): Promise<TotpFactor | undefined> {
    const found = await this.find(userId, session)
    const removed = found?.factors.find(({ id }) => id === factorId)
    if (removed === undefined) return undefined
    if (found?.factors.length === 1) await this.forget(userId, session)
    else await this.#factors.updateOne({ _id: userId }, { $pull: { factors: { id: factorId } } }, { session })
    return removed
  }

  /** @returns false if the user has no such factor */
  async rename(userId: UserKey, factorId: string, name: string): Promise<boolean> {
    const { matchedCount } = await this.#factors.updateOne(
      { _id: userId, 'factors.id': factorId },
      { $set: { 'factors.$.name': name } },
    )
    return matchedCount === 1
  }

  /** @returns false if the user has no factors */
  async replaceRecoveryCodes(userId: UserKey, hashes: string[]): Promise<boolean> {
    const { matchedCount } = await this.#factors.updateOne({ _id: userId }, { $set: { recoveryCodes: hashes } })
    return matchedCount === 1
  }

  /** Removes everything. @returns whether there was something */
  async forget(userId: UserKey, session: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#factors.deleteOne({ _id: userId }, { session })
    return deletedCount === 1
  }
}

function optionsOf(session: ClientSession | undefined) {
  return session === undefined ? {} : { session }
}
