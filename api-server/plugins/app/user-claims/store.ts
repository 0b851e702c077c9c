import type { ClaimValue, CustomClaims } from '@authservice-operator/contract/custom-claims.ts'
import type { ClientSession, Collection } from 'mongodb'
import type { UserKey } from '../users/user-key.ts'

/** Roles and custom claims in MongoDB. Separate from the user documents, which have no field for them. */
export interface StoredUserClaims {
  /** The user. */
  _id: UserKey
  roles: readonly string[]
  /** A list, because names may contain dots. */
  claims: readonly { name: string; value: ClaimValue }[]
  updatedAt: Date
}

/** What an administrator says of a user, for applications and APIs. */
export interface UserClaims {
  /** Application roles, without those from identity providers. They give no right at this server. */
  roles: readonly string[]
  claims: CustomClaims
}

const noClaims: UserClaims = { roles: [], claims: {} }

/** Roles and custom claims of users. A user without any has no document. */
export class UserClaimsStore {
  readonly #claims: Collection<StoredUserClaims>

  constructor(claims: Collection<StoredUserClaims>) {
    this.#claims = claims
  }

  async of(_id: UserKey, session?: ClientSession): Promise<UserClaims> {
    const found = await this.#claims.findOne({ _id }, session === undefined ? {} : { session })
    if (found === null) return noClaims
    return { roles: found.roles, claims: Object.fromEntries(found.claims.map(({ name, value }) => [name, value])) }
  }

  async replace(_id: UserKey, { roles, claims }: UserClaims, now: Date, session: ClientSession): Promise<void> {
    const list = Object.entries(claims).map(([name, value]) => ({ name, value }))
    if (roles.length === 0 && list.length === 0) return this.forget(_id, session)
    await this.#claims.replaceOne({ _id }, { roles, claims: list, updatedAt: now }, { upsert: true, session })
  }

  /** Removes those of a user who is deleted. */
  async forget(_id: UserKey, session: ClientSession): Promise<void> {
    await this.#claims.deleteOne({ _id }, { session })
  }
}
