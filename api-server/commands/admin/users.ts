import type { FastifyInstance } from 'fastify'
import { unlockUser } from '../../plugins/app/accounts/administration.ts'
import { filterByFactors } from '../../plugins/app/mfa/filter-users.ts'
import { resetFactors } from '../../plugins/app/mfa/removal.ts'
import { isActive, roleOf, type StoredUser } from '../../plugins/app/users/user.ts'
import { by, namedUser, type UserOptions } from './named-user.ts'

/** Number of users that are read at once. */
const pageSize = 200

interface ListOptions {
  'second-factor'?: string
  role?: string
  state?: string
}

/** A line for each user that all filters match. Reads the users in pages, by the index of their emails. */
export async function* listUsers(
  app: FastifyInstance,
  { 'second-factor': factors, role, state }: ListOptions,
): AsyncGenerator<string> {
  const filter = oneOf('--second-factor', factors, ['none', 'some'])
  const wantedRole = oneOf('--role', role, ['admin', 'user'])
  const wantedState = oneOf('--state', state, ['active', 'inactive'])
  const search = {
    ...(wantedRole !== undefined && { role: wantedRole }),
    ...(wantedState !== undefined && { isActive: wantedState === 'active' }),
    limit: pageSize,
  }
  let next: string | null = null
  do {
    const page = await app.users.list({ ...search, ...(next !== null && { after: next }) })
    for (const user of await filterByFactors(app, page.users, filter)) {
      yield [user._id, roleOf(user), isActive(user) ? 'active' : 'inactive', user.email].join('\t')
    }
    next = page.next
  } while (next !== null)
}

/** Clears the failed logins and the wrong codes of a user. */
export async function* unlockNamedUser(app: FastifyInstance, options: UserOptions): AsyncGenerator<string> {
  const user = await namedUser(app, options)
  await unlockUser(app, user)
  recordAction(app, user, 'unlock')
  yield `Unlocked ${user.email} for all addresses and devices.`
}

/** Removes all second factors of a user, as an administrator does by the API. */
export async function* resetFactorsOfNamedUser(app: FastifyInstance, options: UserOptions): AsyncGenerator<string> {
  const user = await namedUser(app, options)
  await resetFactors(app, user, by)
  recordAction(app, user, 'mfa/reset')
  yield `Removed all second factors of ${user.email}, and ended all their sessions.`
  if (!app.mail.isConfigured) yield 'No mail was sent, because SMTP_URL is not set: tell the user.'
}

/** The event that the route of the API records as well. */
function recordAction(app: FastifyInstance, { _id }: StoredUser, action: string): void {
  const reason = `${action} by ${by.id}`
  app.securityEvents.record('authz_admin', { userId: _id.toString(), address: by.address, reason })
}

function oneOf<Value extends string>(
  option: string,
  value: string | undefined,
  allowed: readonly Value[],
): Value | undefined {
  if (value === undefined) return undefined
  const found = allowed.find((each) => each === value)
  if (found === undefined) throw new Error(`${option} is "${value}"; expected: ${allowed.join(' or ')}.`)
  return found
}
