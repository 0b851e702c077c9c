import {
  bytesOf,
  type ClaimsInToken,
  type ClaimValue,
  maxClaimBytes,
  rolesClaim,
} from '@authservice-operator/contract/custom-claims.ts'
import fp from 'fastify-plugin'
import type { UserKey } from '../users/user-key.ts'
import { type StoredUserClaims, type UserClaims, UserClaimsStore } from './store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    userClaims: {
      store: UserClaimsStore
      /**
       * Those that a token carries, with the roles from identity providers. Without names, it reads nothing.
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
      select: async (user, names) => (names.length === 0 ? {} : selectClaims(await allOf(user, names), names)),
    })

    async function allOf(user: UserKey, names: readonly string[]): Promise<UserClaims> {
      if (!names.includes(rolesClaim)) return store.of(user)
      const [own, given] = await Promise.all([store.of(user), app.identityProviders.applicationRolesOf(user)])
      const { roles, left } = rolesInToken(
        own,
        given.flatMap((each) => each.roles),
      )
      if (left.length > 0) {
        const about = { user_id: user.toString(), roles: left }
        app.log.warn(about, 'a token has no room for some roles from identity providers: take away roles or claims')
      }
      return { ...own, roles }
    }
  },
  { name: 'user-claims', dependencies: ['mongo'] },
)

/**
 * The roles that administrators have given a user, and those from identity providers, each once. Of the latter, those that
 * do not fit into a token are left out: a login must not fail because of them.
 */
export function rolesInToken(own: UserClaims, given: readonly string[]): { roles: string[]; left: string[] } {
  const roles = [...own.roles]
  const left: string[] = []
  let room = maxClaimBytes - bytesOf(own)
  for (const role of new Set(given).difference(new Set(own.roles))) {
    // Its characters are ASCII. As JSON, it has quotes and a comma.
    const bytes = role.length + 3
    if (bytes <= room) {
      roles.push(role)
      room -= bytes
    } else left.push(role)
  }
  return { roles, left }
}

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
