import type { Binary, ClientSession, Collection, MongoServerError } from 'mongodb'
import { isDuplicateKey } from '../../../duplicate-key.ts'
import type { UserKey } from '../users/user-key.ts'
import type { SealedSecret } from './sealed-secret.ts'

interface AnyFactor {
  /** Unique among all users. */
  id: string
  /** Given by the user. */
  name: string
  createdAt: Date
  lastUsedAt: Date
}

/** An authenticator app. RFC 6238. Its ID is random. */
export interface TotpFactor extends AnyFactor {
  type: 'totp'
  secret: SealedSecret
  /** The time step of the last used code, which no later code may have or precede. */
  lastStep: number
}

/** A passkey. WebAuthn level 3. Its ID is derived from that of the credential: see `passkeyId`. */
export interface Passkey extends AnyFactor {
  type: 'passkey'
  /** In base64url. */
  credentialId: string
  /** COSE_Key. */
  publicKey: Binary
  /** Counter of the last use; always 0 if the authenticator has none. */
  counter: number
  /** How browsers reach the authenticator: `internal`, `usb`, … */
  transports: string[]
  /** Model of the authenticator, as it said itself. */
  aaguid: string
  /** Whether the passkey can be copied to other devices of the user. It never changes. */
  isSynced: boolean
  /** Whether such a copy existed at the last use. */
  isBackedUp: boolean
}

export type Factor = TotpFactor | Passkey

/** The second factors of a user, in one document: every change of it is one write. Users without factors have none. */
export interface UserFactors {
  /** The user. */
  _id: UserKey
  factors: Factor[]
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

  /**
   * Whether any user has a second factor, of this type if one is given, that was enrolled before this time. Reads few
   * documents: nearly every factor is old enough, and an index has their types.
   */
  async isInUse(before: Date, type?: Factor['type']): Promise<boolean> {
    const factor = { createdAt: { $lt: before }, ...(type && { type }) }
    const found = await this.#factors.findOne({ factors: { $elemMatch: factor } }, { projection: { _id: 1 } })
    return found !== null
  }

  /** The user who has this factor. */
  findByFactor(factorId: string): Promise<UserFactors | null> {
    return this.#factors.findOne({ 'factors.id': factorId })
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

  /**
   * Records the use of a passkey.
   * @returns false if the user no longer has it, or if the counter is not higher than that of the last use
   */
  async usePasskey(
    userId: UserKey,
    factorId: string,
    { counter, isBackedUp }: Pick<Passkey, 'counter' | 'isBackedUp'>,
    now: Date,
  ): Promise<boolean> {
    const { matchedCount } = await this.#factors.updateOne(
      { _id: userId, factors: { $elemMatch: { id: factorId, counter: counter === 0 ? 0 : { $lt: counter } } } },
      { $set: { 'factors.$.counter': counter, 'factors.$.isBackedUp': isBackedUp, 'factors.$.lastUsedAt': now } },
    )
    return matchedCount === 1
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
   * @throws FactorTakenError if a user has a factor with this ID
   */
  async add(
    userId: UserKey,
    factor: Factor,
    recoveryCodes: string[],
    session: ClientSession,
  ): Promise<'first' | 'added' | 'full'> {
    const found = await this.find(userId, session)
    if (found === null) {
      const added = { _id: userId, factors: [factor], recoveryCodes }
      await asFactorTaken(() => this.#factors.insertOne(added, { session }))
      return 'first'
    }
    // The unique index compares users, not the factors of one.
    if (found.factors.some(({ id }) => id === factor.id)) throw new FactorTakenError()
    if (found.factors.length >= maxFactors) return 'full'
    const push = { $push: { factors: factor } }
    await asFactorTaken(() => this.#factors.updateOne({ _id: userId }, push, { session }))
    return 'added'
  }

  /** Removes a factor, and the recovery codes with the last one. @returns the removed factor */
  async remove(userId: UserKey, factorId: string, session: ClientSession): Promise<Factor | undefined> {
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

/** A user has a factor with this ID: a passkey belongs to one user. */
export class FactorTakenError extends Error {
  override name = 'FactorTakenError'
}

async function asFactorTaken(write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    const isTaken = isDuplicateKey(error) && isIndexOfFactors(error)
    if (!isTaken) throw error
    throw new FactorTakenError('another user has this factor', { cause: error })
  }
}

function isIndexOfFactors({ keyPattern }: MongoServerError): boolean {
  return typeof keyPattern === 'object' && keyPattern !== null && 'factors.id' in keyPattern
}
