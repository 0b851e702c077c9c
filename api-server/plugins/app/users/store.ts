import {
  type ClientSession,
  type Collection,
  type Document,
  type Filter,
  ObjectId,
  type ReadPreferenceLike,
} from 'mongodb'
import { isDuplicateKey } from '../../../duplicate-key.ts'
import { emailCollation } from '../../../migrations/email-collation.ts'
import { problem } from '../problems/problem.ts'
import { type Anomaly, anomaliesOf } from './anomalies.ts'
import { type CanonicalEmail, canonicalStoredEmail, spellingsOf } from './email.ts'
import { isActiveInDatabase, listUsers, type UserPage, type UserSearch } from './list.ts'
import { readUser, type StoredUser, type UserDocument, userProjection } from './user.ts'
import { idOf, parseUserKey, type UserKey } from './user-key.ts'

/** Fields of a new user. */
export interface NewUser {
  /** Generated if not given. */
  _id?: ObjectId
  email: CanonicalEmail
  name: string
  passwordHash: string
  role?: UserDocument['role']
}

/** Fields of a user that may change. */
export type UserChange = Partial<
  Pick<UserDocument, 'password_hash' | 'name' | 'role' | 'is_active'> & { email: CanonicalEmail }
>

/** A user as read. */
export type ExpectedUser = Partial<Pick<StoredUser, 'email' | 'password_hash' | 'role'>>

/** Called with a document that another program wrote irregularly. */
export type OnAnomalies = (key: UserKey, odd: readonly Anomaly[]) => void

/** Users in MongoDB. Each call returns within a second, or fails if the database is unavailable. */
export class UserStore {
  readonly #users: Collection<Document>
  /** For reads that may be stale. */
  readonly #stale: Collection<Document>
  readonly #onAnomalies: OnAnomalies | undefined

  /** @param onAnomalies called with each irregular document that was read */
  constructor(
    users: Collection<UserDocument>,
    {
      readPreference = 'primary',
      onAnomalies,
    }: { readPreference?: ReadPreferenceLike; onAnomalies?: OnAnomalies } = {},
  ) {
    this.#onAnomalies = onAnomalies
    const { db, collectionName } = users
    // Otherwise, one text that is not UTF-8 would break every read of its batch.
    this.#users = db.collection(collectionName, { enableUtf8Validation: false })
    this.#stale = db.collection(collectionName, { enableUtf8Validation: false, readPreference })
  }

  /**
   * The user with this email. The index treats more texts as equal than the canonical form does (`ß` and `ss`, ignored
   * marks), and finds texts in lists. A document with another form belongs to another user.
   */
  async findByEmail(email: CanonicalEmail, session?: ClientSession): Promise<StoredUser | null> {
    const options = { collation: emailCollation, projection: userProjection, ...optionsOf(session) }
    const found = await this.#users.find({ email: { $in: spellingsOf(email) } }, options).toArray()
    const same = found
      .map((document) => this.#read(document))
      .filter((user) => canonicalStoredEmail(user.email) === email)
    return same.find((user) => user.email === email) ?? same[0] ?? null
  }

  findById(id: string, session?: ClientSession): Promise<StoredUser | null> {
    return this.#find(this.#users, id, session)
  }

  /** Possibly stale, from the nearest member that the configuration allows. */
  findStaleById(id: string): Promise<StoredUser | null> {
    return this.#find(this.#stale, id)
  }

  /** @throws Problem 409 `email_taken` */
  async register(
    { _id = new ObjectId(), email, name, passwordHash, role = 'user' }: NewUser,
    session?: ClientSession,
  ): Promise<StoredUser> {
    const now = new Date()
    const user: UserDocument = {
      _id,
      email,
      password_hash: passwordHash,
      name,
      role,
      is_active: true,
      created_at: now,
      updated_at: now,
      last_login: now,
    }
    await this.#requireFree(email, undefined, session)
    await asEmailTaken(() => this.#users.insertOne(user, optionsOf(session)))
    return readUser(user)
  }

  /**
   * Records a login, and the stronger hash if there is one.
   * @returns the current user, whose role may have changed since it was read; null when the password was changed or the
   * user disabled, so that the login fails
   */
  async recordLogin(user: StoredUser, at: Date, upgradedHash: string | undefined): Promise<StoredUser | null> {
    const set = upgradedHash === undefined ? {} : { password_hash: upgradedHash, updated_at: at }
    const recorded = await this.#users.findOneAndUpdate(
      { ...only(user._id), password_hash: user.password_hash, $expr: isActiveInDatabase },
      { $set: { last_login: at, ...set } },
      { returnDocument: 'after', projection: userProjection },
    )
    return recorded === null ? null : this.#read(recorded)
  }

  /**
   * @param expected fields as read: if one of them has changed, nothing is written
   * @returns the user after the change, or null
   * @throws Problem 409 `email_taken`
   */
  async change(
    key: UserKey,
    change: UserChange,
    expected: ExpectedUser = {},
    session?: ClientSession,
  ): Promise<StoredUser | null> {
    if (change.email !== undefined) await this.#requireFree(change.email, key, session)
    const changed = await asEmailTaken(() =>
      this.#users.findOneAndUpdate(
        { $and: [only(key), filterOf(expected)] },
        { $set: { ...change, updated_at: new Date() } },
        { returnDocument: 'after', projection: userProjection, ...optionsOf(session) },
      ),
    )
    return changed === null ? null : this.#read(changed)
  }

  async delete(key: UserKey, session: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#users.deleteOne(only(key), { session })
    return deletedCount === 1
  }

  /** Whether there is another active administrator. */
  async hasAnotherAdmin(key?: UserKey, session?: ClientSession): Promise<boolean> {
    const admins = this.#users.find({ role: 'admin' }, { projection: userProjection, ...optionsOf(session) })
    for await (const document of admins) {
      const admin = readUser(document)
      if (admin._id.toString() !== key?.toString() && admin.role === 'admin' && admin.is_active) return true
    }
    return false
  }

  /** Texts of one email that differ for the index: only if a domain has two spellings. */
  async #requireFree(email: CanonicalEmail, owner: UserKey | undefined, session?: ClientSession): Promise<void> {
    if (spellingsOf(email).length === 1) return
    const other = await this.findByEmail(email, session)
    if (other !== null && other._id.toString() !== owner?.toString()) throw emailTaken()
  }

  list(search: UserSearch): Promise<UserPage> {
    return listUsers(this.#stale, search, (document) => this.#read(document))
  }

  async #find(users: Collection<Document>, id: string, session?: ClientSession): Promise<StoredUser | null> {
    const found = await users.findOne(only(parseUserKey(id)), { projection: userProjection, ...optionsOf(session) })
    return found === null ? null : this.#read(found)
  }

  #read(document: Document): StoredUser {
    const user = readUser(document)
    const odd = this.#onAnomalies === undefined ? [] : anomaliesOf(document)
    if (odd.length > 0) this.#onAnomalies?.(user._id, odd)
    return user
  }
}

async function asEmailTaken<Result>(write: () => Promise<Result>): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    throw emailTaken(error)
  }
}

function emailTaken(cause?: unknown) {
  return problem(409, 'email_taken', 'This email is already registered.', { cause })
}

/**
 * Compared as a value, because an `_id` may look like an operator. A key without an `_id` matches nothing. The driver's
 * type allows only ObjectIds; MongoDB allows any.
 */
function only(key: UserKey): Filter<Document> {
  const known = idOf(key)
  return known === undefined ? { $expr: false } : { _id: { $eq: known.id as ObjectId } }
}

/** Requires that the expected fields are unchanged, compared as whole values. */
function filterOf(expected: ExpectedUser): Filter<Document> {
  const conditions = Object.entries(expected).map(([field, value]) => {
    const read = userProjection[field]
    if (field === 'role') return { [value === 'admin' ? '$eq' : '$ne']: [read, 'admin'] }
    const isSame = { $eq: [read, { $literal: value }] }
    return value === '' ? { $or: [isSame, { $ne: [{ $type: read }, 'string'] }] } : isSame
  })
  return { $expr: { $and: conditions } }
}

function optionsOf(session: ClientSession | undefined) {
  return session === undefined ? {} : { session }
}
