import { type ClientSession, type Collection, MongoServerError, ObjectId, type ReadPreferenceLike } from 'mongodb'
import { emailCollation } from '../../../migrations/email-collation.ts'
import { problem } from '../problems/problem.ts'
import type { StoredUser, UserDocument } from './user.ts'

const duplicateKey = 11_000

/** What a new user needs. */
export interface NewUser {
  email: string
  name: string
  passwordHash: string
  role?: UserDocument['role']
}

/** What may change of a user. */
export type UserChange = Partial<Pick<UserDocument, 'email' | 'password_hash' | 'name' | 'role' | 'is_active'>>

/** Users in MongoDB. Each call ends within a second, with an error when the database is away. */
export class UserStore {
  readonly #users: Collection<UserDocument>
  /** For reads that may be stale. */
  readonly #stale: Collection<UserDocument>

  constructor(users: Collection<UserDocument>, readPreference: ReadPreferenceLike = 'primary') {
    this.#users = users
    this.#stale = users.db.collection<UserDocument>(users.collectionName, { readPreference })
  }

  findByEmail(email: string): Promise<StoredUser | null> {
    return this.#users.findOne({ email }, { collation: emailCollation })
  }

  findById(id: string): Promise<StoredUser | null> {
    return ObjectId.isValid(id) ? this.#users.findOne({ _id: new ObjectId(id) }) : Promise.resolve(null)
  }

  /** As it was a moment ago, from the nearest copy that the configuration allows. */
  findStaleById(id: string): Promise<StoredUser | null> {
    return ObjectId.isValid(id) ? this.#stale.findOne({ _id: new ObjectId(id) }) : Promise.resolve(null)
  }

  /** @throws Problem 409 `email_taken` */
  async register({ email, name, passwordHash, role = 'user' }: NewUser, session?: ClientSession): Promise<StoredUser> {
    const now = new Date()
    const user: UserDocument = {
      _id: new ObjectId(),
      email,
      password_hash: passwordHash,
      name,
      role,
      is_active: true,
      created_at: now,
      updated_at: now,
      last_login: now,
    }
    await asEmailTaken(() => this.#users.insertOne(user, optionsOf(session)))
    return user
  }

  /**
   * Notes a log-in, and the stronger hash where there is one.
   * @returns false when the password was changed or the user disabled since it was read: then there is no log-in
   */
  async recordLogin(user: StoredUser, at: Date, upgradedHash: string | undefined): Promise<boolean> {
    const set = upgradedHash === undefined ? {} : { password_hash: upgradedHash, updated_at: at }
    const { matchedCount } = await this.#users.updateOne(
      { _id: user._id, password_hash: user.password_hash, is_active: { $ne: false } },
      { $set: { last_login: at, ...set } },
    )
    return matchedCount === 1
  }

  /**
   * @param expected of the user as it was read: with another value now nothing is changed
   * @returns the user after it, or null
   * @throws Problem 409 `email_taken`
   */
  change(
    _id: ObjectId,
    change: UserChange,
    expected: Partial<Pick<UserDocument, 'email' | 'password_hash'>> = {},
    session?: ClientSession,
  ): Promise<StoredUser | null> {
    return asEmailTaken(() =>
      this.#users.findOneAndUpdate(
        { _id, ...expected },
        { $set: { ...change, updated_at: new Date() } },
        { returnDocument: 'after', ...optionsOf(session) },
      ),
    )
  }

  async delete(_id: ObjectId, session: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#users.deleteOne({ _id }, { session })
    return deletedCount === 1
  }

  /** Whether an administrator that is not disabled is left without this one. */
  async hasAnotherAdmin(_id: ObjectId, session: ClientSession): Promise<boolean> {
    const other = { _id: { $ne: _id }, role: 'admin' as const, is_active: { $ne: false } }
    return (await this.#users.findOne(other, { session, projection: { _id: 1 } })) !== null
  }

  /**
   * Users in the order of their emails, whatever the case; by the unique index alone.
   * @param after the last email of the page before
   */
  list({ prefix = '', after, limit }: { prefix?: string; after?: string; limit: number }): Promise<StoredUser[]> {
    const start = after === undefined ? { $gte: prefix } : { $gt: after }
    // No character sorts after it. @see https://www.unicode.org/reports/tr35/tr35-collation.html#Noncharacters
    const email = { ...start, ...(prefix !== '' && { $lt: `${prefix}\uffff` }) }
    return this.#stale.find({ email }, { collation: emailCollation }).sort({ email: 1 }).limit(limit).toArray()
  }
}

async function asEmailTaken<Result>(write: () => Promise<Result>): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === duplicateKey)) throw error
    throw problem(409, 'email_taken', 'Somebody has registered with this email already.', { cause: error })
  }
}

function optionsOf(session: ClientSession | undefined) {
  return session === undefined ? {} : { session }
}
