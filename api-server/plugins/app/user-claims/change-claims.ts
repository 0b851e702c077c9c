import {
  bytesOf,
  customClaimProblems,
  maxClaimBytes,
  roleProblems,
} from '@authservice-operator/contract/custom-claims.ts'
import type { FastifyInstance } from 'fastify'
import { existingUser } from '../accounts/administration.ts'
import type { Administrator } from '../accounts/administrator.ts'
import type { ProviderRoles } from '../identity-providers/application-roles.ts'
import { type Problem, problem } from '../problems/problem.ts'
import { parseUserKey, type UserKey } from '../users/user-key.ts'
import type { UserClaims } from './store.ts'

/** What administrators and the user see. */
export interface ShownClaims extends UserClaims {
  /** Roles from identity providers, which administrators cannot change here. */
  providerRoles: readonly ProviderRoles[]
}

/** @throws Problem 404 `not_found` */
export async function readUserClaims(app: FastifyInstance, id: string): Promise<ShownClaims> {
  const { _id } = await existingUser(app, id)
  return shownClaimsOf(app, _id)
}

export async function shownClaimsOf(app: FastifyInstance, user: UserKey): Promise<ShownClaims> {
  const [own, providerRoles] = await Promise.all([
    app.userClaims.store.of(user),
    app.identityProviders.applicationRolesOf(user),
  ])
  return { ...own, providerRoles }
}

/**
 * Replaces the roles that administrators have given a user, the custom claims, or both. Tokens that exist keep what they
 * carry.
 *
 * @param change what is missing stays. A function gets what the user has, and may be called more than once
 * @throws Problem 400 `validation_failed`, 404 `not_found`
 */
export async function changeUserClaims(
  app: FastifyInstance,
  id: string,
  change: Partial<UserClaims> | ((before: UserClaims) => Partial<UserClaims>),
  { id: administrator, address }: Administrator,
): Promise<ShownClaims> {
  const { user, before, after } = await app.mongo.transaction(async (session) => {
    // Writes the time of the change, so that the transaction conflicts with a deletion of the user.
    const user = await app.users.change(parseUserKey(id), {}, {}, session)
    if (user === null) throw problem(404, 'not_found', 'The user does not exist.')
    const before = await app.userClaims.store.of(user._id, session)
    const wanted = typeof change === 'function' ? change(before) : change
    assertAllowed(wanted)
    const after = { ...before, ...wanted }
    assertFits(after)
    await app.userClaims.store.replace(user._id, after, new Date(), session)
    return { user, before, after }
  })
  const reason = differenceOf(before, after)
  if (reason !== '') {
    app.securityEvents.record('authz_change', { userId: id, address, reason: `${reason} by ${administrator}` })
  }
  return { ...after, providerRoles: await app.identityProviders.applicationRolesOf(user._id) }
}

/** What has changed, for the record: roles, and the names of claims, whose values may be personal. */
export function differenceOf(before: UserClaims, after: UserClaims): string {
  const given = after.roles.filter((role) => !before.roles.includes(role)).map((role) => `+${role}`)
  const taken = before.roles.filter((role) => !after.roles.includes(role)).map((role) => `-${role}`)
  const names = new Set([...Object.keys(before.claims), ...Object.keys(after.claims)])
  const changed = [...names].filter((name) => !isSame(before.claims[name], after.claims[name]))
  return [
    ...(given.length + taken.length > 0 ? [`roles ${[...given, ...taken].join(' ')}`] : []),
    ...(changed.length > 0 ? [`claims ${changed.join(' ')}`] : []),
  ].join(', ')
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function assertAllowed({ roles = [], claims = {} }: Partial<UserClaims>): void {
  const errors = [
    ...roleProblems(roles).map((detail) => ({ pointer: '/roles', detail })),
    ...customClaimProblems(claims).map((detail) => ({ pointer: '/claims', detail })),
  ]
  if (errors.length > 0) throw refusal(errors)
}

function assertFits(claims: UserClaims): void {
  const bytes = bytesOf(claims)
  if (bytes <= maxClaimBytes) return
  const detail = `roles and claims have ${bytes} bytes as JSON, and a token has room for ${maxClaimBytes}: shorten them`
  throw refusal([{ pointer: '', detail }])
}

function refusal(errors: readonly { pointer: string; detail: string }[]): Problem {
  return problem(400, 'validation_failed', 'The request is invalid: see errors.', { extensions: { errors } })
}
