import type { ClientSession, Collection, ObjectId } from 'mongodb'
import type { StoredUser } from '../users/user.ts'

/** That the user owns the email. Beside the users' documents, which have no field for it. */
export interface VerifiedEmail {
  /** The user. */
  _id: ObjectId
  email: string
  at: Date
}

/** Which emails are known to belong to their users. One that is changed is not verified any more. */
export class VerifiedEmails {
  readonly #verified: Collection<VerifiedEmail>

  constructor(verified: Collection<VerifiedEmail>) {
    this.#verified = verified
  }

  async has({ _id, email }: Pick<StoredUser, '_id' | 'email'>): Promise<boolean> {
    return (await this.#verified.findOne({ _id, email })) !== null
  }

  async add(_id: ObjectId, email: string, at: Date, session: ClientSession): Promise<void> {
    await this.#verified.updateOne({ _id }, { $set: { email, at } }, { upsert: true, session })
  }

  async forget(_id: ObjectId, session: ClientSession): Promise<void> {
    await this.#verified.deleteOne({ _id }, { session })
  }
}
