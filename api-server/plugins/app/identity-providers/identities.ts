import { randomUUID } from 'node:crypto'
import type { ClientSession, Collection } from 'mongodb'
import { isDuplicateKey } from '../../../duplicate-key.ts'
import type { UserKey } from '../users/user-key.ts'
import type { ExternalIdentity } from './external-identity.ts'
import { IdentityRefused } from './identity-refused.ts'
import type { Provider } from './provider-registry.ts'

/** A user of a provider who may log in as a user of this server. */
export interface LinkedIdentity {
  /** Random; the API names the identity by it. */
  _id: string
  userId: UserKey
  /** Of the file of providers, when the user last logged in. */
  provider: string
  /** Identifies the user of the provider, with `subject`. */
  issuer: string
  subject: string
  /** As the provider told it last, for the user's list. It identifies no user. */
  email?: string
  /** Groups at the last login that mappings of the provider named then. Their roles are computed when they are read. */
  groups?: readonly string[]
  createdAt: Date
  lastUsedAt: Date
}

/** An identity that a user gets. */
interface NewIdentity {
  provider: Pick<Provider, 'id' | 'name'>
  identity: ExternalIdentity
  groups?: readonly string[]
}

/** A user has no more, so that one user cannot fill the collection. */
const maxIdentities = 20

/** Identities of users at providers, in MongoDB. A unique index gives each of them to one user. */
export class Identities {
  readonly #identities: Collection<LinkedIdentity>

  constructor(identities: Collection<LinkedIdentity>) {
    this.#identities = identities
  }

  find({ issuer, subject }: Pick<ExternalIdentity, 'issuer' | 'subject'>): Promise<LinkedIdentity | null> {
    return this.#identities.findOne({ issuer, subject })
  }

  /** Of a user, in the order in which they were linked. */
  ofUser(userId: UserKey, session?: ClientSession): Promise<LinkedIdentity[]> {
    return this.#identities.find({ userId }, optionsOf(session)).sort({ createdAt: 1, _id: 1 }).toArray()
  }

  /**
   * @throws IdentityRefused `taken` if it belongs to a user already, or `too_many`
   */
  async add(
    userId: UserKey,
    { provider, identity, groups = [] }: NewIdentity,
    now: Date,
    session: ClientSession,
  ): Promise<LinkedIdentity> {
    const { issuer, subject, email } = identity
    if ((await this.#identities.countDocuments({ userId }, { session })) >= maxIdentities) {
      throw new IdentityRefused('too_many', provider.name)
    }
    const linked: LinkedIdentity = {
      _id: randomUUID(),
      userId,
      provider: provider.id,
      issuer,
      subject,
      ...(email !== undefined && { email }),
      ...(groups.length > 0 && { groups }),
      createdAt: now,
      lastUsedAt: now,
    }
    try {
      await this.#identities.insertOne(linked, { session })
      return linked
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      throw new IdentityRefused('taken', provider.name, error)
    }
  }

  /** Records a login. @returns false if the identity was removed meanwhile */
  async use(
    { _id }: LinkedIdentity,
    { provider, email, groups }: { provider: string; email: string | undefined; groups: readonly string[] },
    now: Date,
  ): Promise<boolean> {
    const known = { ...(email !== undefined && { email }), ...(groups.length > 0 && { groups }) }
    const missing = {
      ...(email === undefined && { email: '' as const }),
      ...(groups.length === 0 && { groups: '' as const }),
    }
    const { matchedCount } = await this.#identities.updateOne(
      { _id },
      { $set: { provider, lastUsedAt: now, ...known }, $unset: missing },
    )
    return matchedCount === 1
  }

  /** @returns whether the user had it */
  async remove(userId: UserKey, _id: string, session?: ClientSession): Promise<boolean> {
    const { deletedCount } = await this.#identities.deleteOne({ _id, userId }, optionsOf(session))
    return deletedCount === 1
  }

  /** Removes all identities of a user who is deleted. */
  async forget(userId: UserKey, session: ClientSession): Promise<void> {
    await this.#identities.deleteMany({ userId }, { session })
  }
}

function optionsOf(session: ClientSession | undefined) {
  return session === undefined ? {} : { session }
}
