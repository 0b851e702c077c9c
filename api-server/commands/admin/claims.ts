import { ApplicationRoles, CustomClaims } from '@authservice-operator/contract/custom-claims.ts'
import { parseJson } from '@authservice-operator/contract/parse-file.ts'
import type { FastifyInstance } from 'fastify'
import Value from 'typebox/value'
import { Problem } from '../../plugins/app/problems/problem.ts'
import { changeUserClaims, readUserClaims, type ShownClaims } from '../../plugins/app/user-claims/change-claims.ts'
import type { UserClaims } from '../../plugins/app/user-claims/store.ts'
import { by, namedUser, type UserOptions } from './named-user.ts'

/** Options of the command. All of them can be repeated, but those that name the user. */
interface ClaimsOptions extends UserOptions {
  'add-role'?: string[]
  'remove-role'?: string[]
  /** `NAME=VALUE` */
  'set-claim'?: string[]
  'remove-claim'?: string[]
}

/**
 * Changes single roles and custom claims of a user, as an administrator does by the API, and lists what the user then has:
 * a line for each role, with the provider that it comes from, and for each claim, with its value as JSON.
 */
export async function* claimsOfNamedUser(app: FastifyInstance, options: ClaimsOptions): AsyncGenerator<string> {
  const change = changeOf(options)
  const { _id } = await namedUser(app, options)
  const id = _id.toString()
  yield* linesOf(change === undefined ? await readUserClaims(app, id) : await changed(app, id, change))
}

/** @returns undefined if nothing is to be changed */
function changeOf(options: ClaimsOptions): ((before: UserClaims) => UserClaims) | undefined {
  const { 'add-role': added = [], 'remove-role': removed = [], 'remove-claim': removedClaims = [] } = options
  const set = (options['set-claim'] ?? []).map(claimIn)
  if ([...added, ...removed, ...set, ...removedClaims].length === 0) return undefined
  return ({ roles, claims }) => {
    const kept = Object.entries(claims).filter(([name]) => !removedClaims.includes(name))
    const after = {
      roles: [...new Set([...roles, ...added])].filter((role) => !removed.includes(role)),
      claims: Object.fromEntries([...kept, ...set]),
    }
    assertWellFormed(after)
    return after
  }
}

/** A value is JSON, or else a text, so that a text needs no quotes. */
function claimIn(option: string): [name: string, value: unknown] {
  const [name = '', value] = option.split(/=(.*)/s)
  if (value === undefined) throw new Error(`--set-claim is "${option}"; expected: NAME=VALUE.`)
  return [name, parseJson(value) ?? value]
}

/** As the schema of the API does. */
function assertWellFormed(after: { roles: string[]; claims: Record<string, unknown> }): asserts after is UserClaims & {
  roles: string[]
} {
  if (!Value.Check(ApplicationRoles, after.roles)) {
    throw new Error(
      'Nothing was changed: a user has at most 20 roles, each of 1 to 64 letters, digits and _ . : / -, beginning with a letter or digit.',
    )
  }
  if (!Value.Check(CustomClaims, after.claims)) {
    throw new Error(
      'Nothing was changed: a user has at most 20 claims. A name has 1 to 64 letters, digits and _ . : / -, beginning with a letter. A value is a text of at most 256 characters, a number, true, false, or a list of at most 20 texts.',
    )
  }
}

async function changed(app: FastifyInstance, id: string, change: (before: UserClaims) => UserClaims) {
  try {
    return await changeUserClaims(app, id, change, by)
  } catch (error) {
    throw error instanceof Problem && Array.isArray(error.extensions['errors'])
      ? new Error(`Nothing was changed: ${error.extensions['errors'].map(({ detail }) => detail).join('; ')}.`)
      : error
  }
}

function linesOf({ roles, claims, providerRoles }: ShownClaims): string[] {
  return [
    ...roles.map((role) => `role\t${role}`),
    ...providerRoles.flatMap(({ provider, roles: given }) => given.map((role) => `role\t${role}\t${provider}`)),
    ...Object.entries(claims).map(([name, value]) => `claim\t${name}\t${JSON.stringify(value)}`),
  ]
}
