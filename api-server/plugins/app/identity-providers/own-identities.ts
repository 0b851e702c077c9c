import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { hasPassword } from '../passwords/password-rules.ts'
import { problem } from '../problems/problem.ts'
import type { RevocableToken } from '../revocation/revocation.ts'
import { canonicalStoredEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'
import { rolesOfGroups } from './application-roles.ts'
import type { LinkedIdentity } from './identities.ts'
import { recordRoles } from './role-events.ts'

/** An identity with the name of its provider, which is its ID if the file no longer has the provider. */
export type NamedIdentity = LinkedIdentity & { name: string }

/** @throws Problem 429 `rate_limited` */
export async function listOwnIdentities(
  app: FastifyInstance,
  { _id }: StoredUser,
  { limits }: Caller,
): Promise<NamedIdentity[]> {
  await limits.use({ name: 'profile', subject: _id.toString(), rate: app.config.limits.profile })
  const identities = await app.identities.ofUser(_id)
  return identities.map((each) => ({ ...each, name: app.identityProviders.find(each.provider)?.name ?? each.provider }))
}

/**
 * Removes an identity of a user. All their sessions end, because an identity that another person has added could have
 * begun some.
 *
 * @throws Problem 401 `session_revoked`, 404 `not_found`, 409 `last_login_method`, 429
 */
export async function unlinkIdentity(
  app: FastifyInstance,
  user: StoredUser,
  token: Pick<RevocableToken, 'sub' | 'ver'>,
  id: string,
  caller: Caller,
): Promise<void> {
  const userId = user._id.toString()
  await caller.limits.use({ name: 'sensitive', subject: userId, rate: app.config.limits.sensitive })
  let removed: LinkedIdentity | undefined
  await app.revocation.revokeUser(userId, 'identity_change', async (session) => {
    await app.revocation.requireCurrent(token, session)
    const current = await app.users.findById(userId, session)
    const identities = await app.identities.ofUser(user._id, session)
    removed = identities.find((each) => each._id === id)
    const others = identities.filter((each) => each !== removed)
    const isUsable = others.some(({ provider }) => app.identityProviders.find(provider) !== undefined)
    if (!isUsable && (current === null || !canUsePassword(app, current))) {
      const detail = 'This is your last way to log in. Choose a password or link another account first.'
      throw problem(409, 'last_login_method', detail)
    }
    if (!(await app.identities.remove(user._id, id, session))) {
      throw problem(404, 'not_found', 'The identity does not exist.')
    }
  })
  const about = { userId, address: caller.address }
  app.securityEvents.record('authn_identity_unlinked', { ...about, reason: id })
  const provider = removed && app.identityProviders.find(removed.provider)
  if (provider !== undefined) {
    recordRoles(app, about, provider, { before: rolesOfGroups(provider, removed?.groups ?? []), after: [] })
  }
  app.mail.later('identity_unlinked', caller.language, async () => ({ kind: 'identity_unlinked', to: user.email }))
}

/** Whether the user can log in with a password. */
export function canUsePassword(app: FastifyInstance, user: StoredUser): boolean {
  const email = canonicalStoredEmail(user.email)
  return hasPassword(user.password_hash) && email !== undefined && !app.identityProviders.forbidsPassword(email)
}
