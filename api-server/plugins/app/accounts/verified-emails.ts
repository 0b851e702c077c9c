import type { ClientSession, Collection } from 'mongodb'
import type { StoredUser } from '../users/user.ts'
import type { UserKey } from '../users/user-key.ts'

/** Records that the user owns the email. Separate from the user documents, which have no field for it. */
export interface VerifiedEmail {
  /** The user. */
  _id: UserKey
  email: string
  at: Date
}

/** Which emails are verified. A changed email is no longer verified. */
export class VerifiedEmails {
  readonly #verified: Collection<VerifiedEmail>

  constructor(verified: Collection<VerifiedEmail>) {
    this.#verified = verified
  }

  async has({ _id, email }: Pick<StoredUser, '_id' | 'email'>): Promise<boolean> {
    return (await this.#verified.findOne({ _id, email })) !== null
  }

  async add(_id: UserKey, email: string, at: Date, session: ClientSession): Promise<void> {
    await this.#verified.updateOne({ _id }, { $set: { email, at } }, { upsert: true, session })
  }

  async forget(_id: UserKey, session: ClientSession): Promise<void> {
    await this.#verified.deleteOne({ _id }, { session })
  }
}
