import { type ClaimsInToken, type ClaimValue, rolesClaim } from '@authservice-operator/contract/custom-claims.ts'
import fp from 'fastify-plugin'
import type { UserKey } from '../users/user-key.ts'
import { type StoredUserClaims, type UserClaims, UserClaimsStore } from './store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    userClaims: {
      store: UserClaimsStore
      /**
       * Those that a token carries. Without names, it reads nothing.
       * @param names what the configuration allows: custom claims, and `roles`
       */
      select(user: UserKey, names: readonly string[]): Promise<ClaimsInToken>
    }
  }
}

export default fp(
  async function userClaims(app) {
    // From the primary, regardless of the read preference in the URL: a role that was taken away must be gone.
    const collection = app.mongo.db.collection<StoredUserClaims>('user_claims', { readPreference: 'primary' })
    const store = new UserClaimsStore(collection)
    app.decorate('userClaims', {
      store,
      select: async (user, names) => (names.length === 0 ? {} : selectClaims(await store.of(user), names)),
    })
  },
  { name: 'user-claims', dependencies: ['mongo'] },
)

/** Of the roles and claims of a user, those with one of the names. A user without roles has no claim `roles`. */
export function selectClaims({ roles, claims }: UserClaims, names: readonly string[]): ClaimsInToken {
  const all: ClaimsInToken = { ...claims, ...(roles.length > 0 && { [rolesClaim]: [...roles] }) }
  return Object.fromEntries(
    names.flatMap((name): [string, ClaimValue][] => {
      const value = Object.hasOwn(all, name) ? all[name] : undefined
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
