import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { existingUser, unlockUser } from '../../plugins/app/accounts/administration.ts'
import type { Administrator } from '../../plugins/app/accounts/administrator.ts'
import { filterByFactors } from '../../plugins/app/mfa/filter-users.ts'
import { resetFactors } from '../../plugins/app/mfa/removal.ts'
import { canonicalEmail } from '../../plugins/app/users/email.ts'
import { isActive, roleOf, type StoredUser } from '../../plugins/app/users/user.ts'

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

interface UserOptions {
  email?: string
  id?: string
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

/** Who changes users, in security events. */
const by: Administrator = { id: 'the admin command', address: hostname() }

/** The event that the route of the API records as well. */
function recordAction(app: FastifyInstance, { _id }: StoredUser, action: string): void {
  const reason = `${action} by ${by.id}`
  app.securityEvents.record('authz_admin', { userId: _id.toString(), address: by.address, reason })
}

async function namedUser(app: FastifyInstance, { email, id }: UserOptions): Promise<StoredUser> {
  if ((email === undefined) === (id === undefined)) {
    throw new Error('Name the user with either --email EMAIL or --id ID.')
  }
  if (id !== undefined) return existingUser(app, id)
  const canonical = canonicalEmail(email ?? '')
  const user = canonical === undefined || canonical === '' ? null : await app.users.findByEmail(canonical)
  if (user === null) throw new Error(`There is no user with the email "${email}".`)
  return user
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
