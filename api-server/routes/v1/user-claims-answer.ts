import type { ShownClaims } from '../../plugins/app/user-claims/change-claims.ts'

/** The answer with the roles and claims of a user. */
export function userClaimsAnswer({ roles, claims, providerRoles }: ShownClaims) {
  return {
    roles: [...roles],
    claims,
    provider_roles: providerRoles.map(({ provider, roles: given }) => ({ provider, roles: [...given] })),
  }
}
