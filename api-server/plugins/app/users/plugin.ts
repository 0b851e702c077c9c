import fp from 'fastify-plugin'
import { type Collection, MongoServerError, ObjectId } from 'mongodb'
import { emailCollation } from '../../../migrations/email-collation.ts'
import { problem } from '../problems/problem.ts'
import type { StoredUser, UserDocument } from './user.ts'

declare module 'fastify' {
  interface FastifyInstance {
    users: UserStore
  }
}

const duplicateKey = 11_000

/** Users in MongoDB. Each call ends within a second, with an error when the database is away. */
export class UserStore {
  readonly #users: Collection<UserDocument>

  constructor(users: Collection<UserDocument>) {
    this.#users = users
  }

  findByEmail(email: string): Promise<StoredUser | null> {
    return this.#users.findOne({ email }, { collation: emailCollation })
  }

  findById(id: string): Promise<StoredUser | null> {
    return ObjectId.isValid(id) ? this.#users.findOne({ _id: new ObjectId(id) }) : Promise.resolve(null)
  }

  /** @throws Problem 409 `email_taken` */
  async register({
    email,
    name,
    passwordHash,
  }: {
    email: string
    name: string
    passwordHash: string
  }): Promise<StoredUser> {
    const now = new Date()
    const user: UserDocument = {
      _id: new ObjectId(),
      email,
      password_hash: passwordHash,
      name,
      role: 'user',
      is_active: true,
      created_at: now,
      updated_at: now,
      last_login: now,
    }
    try {
      await this.#users.insertOne(user)
      return user
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === duplicateKey)) throw error
      throw problem(409, 'email_taken', 'Somebody has registered with this email already.', { cause: error })
    }
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
}

export default fp(
  async function users(app) {
    const { db } = app.mongo
    app.decorate('users', new UserStore(db.collection<UserDocument>(app.config.mongodb.usersCollection)))
  },
  { name: 'users', dependencies: ['config', 'mongo'] },
)
