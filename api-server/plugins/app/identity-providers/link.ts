import type { FastifyInstance } from 'fastify'
import type { ClientSession } from 'mongodb'
import type { Caller } from '../caller.ts'
import type { RevocableToken } from '../revocation/revocation.ts'
import type { Session } from '../sessions/session.ts'
import { type CanonicalEmail, canonicalStoredEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'
import { mappedGroups, rolesOfGroups } from './application-roles.ts'
import { IdentityRefused } from './identity-refused.ts'
import type { PendingLink } from './pending-logins.ts'
import { hasRequiredClaims, type ProviderUser, reportMissingGroups } from './provider-claims.ts'
import type { Provider } from './provider-registry.ts'
import { recordRoles } from './role-events.ts'

/**
 * Links a user of a provider to an account, whose user has just logged in here, with the second factor if they have one.
 *
 * The account must have a confirmed email, or the same one that the provider has verified. Otherwise, an account that
 * another person has registered with this email could be prepared with an identity of theirs. Decision 86.
 *
 * @param check an additional one in the transaction. It may run more than once
 * @throws IdentityRefused
 */
async function linkIdentity(
  app: FastifyInstance,
  user: StoredUser,
  { provider, identity, groups = [] }: OpenLink,
  caller: Caller,
  now: Date,
  check?: (transaction: ClientSession) => Promise<void>,
): Promise<void> {
  const known = await app.identities.find(identity)
  if (known?.userId.toString() === user._id.toString()) return
  const isSameEmail = identity.isEmailVerified && identity.email === canonicalStoredEmail(user.email)
  if (!isSameEmail && !(await app.verifiedEmails.has(user))) {
    throw new IdentityRefused('email_unverified', provider.name)
  }
  await app.mongo.transaction(async (session) => {
    await check?.(session)
    await app.identities.add(user._id, { provider, identity, groups }, now, session)
    if (isSameEmail) await app.verifiedEmails.add(user._id, user.email, now, session)
  })
  const about = { userId: user._id.toString(), address: caller.address }
  app.securityEvents.record('authn_identity_linked', { ...about, reason: provider.id })
  recordRoles(app, about, provider, { before: [], after: rolesOfGroups(provider, groups) })
  app.mail.later('identity_linked', caller.language, async () => ({ kind: 'identity_linked', to: user.email }))
}

/**
 * Links a user of a provider, who has just logged in there, to the account of a user who is logged in here, and has shown
 * that the account is theirs.
 *
 * @param token of the session in which the user has shown it: nothing is linked when it has ended
 * @throws IdentityRefused, Problem 401 `session_revoked`
 */
export async function linkOwnIdentity(
  app: FastifyInstance,
  user: StoredUser,
  token: Pick<RevocableToken, 'sub' | 'ver'>,
  by: ProviderUser,
  caller: Caller,
  now: Date,
): Promise<void> {
  if (!hasRequiredClaims(app, by)) throw new IdentityRefused('claims', by.provider.name)
  reportMissingGroups(app, by)
  const link = { ...by, groups: mappedGroups(by.provider, by.identity.claims) }
  await linkIdentity(app, user, link, caller, now, (session) => app.revocation.requireCurrent(token, session))
}

/** A link that the login of an interaction is to make, with its provider. */
export interface OpenLink extends Omit<PendingLink, 'provider'> {
  provider: Provider
}

/** @returns undefined if there is none, or if the provider was removed from the file */
export async function pendingLinkOf(
  app: FastifyInstance,
  interaction: string,
  now: Date,
): Promise<OpenLink | undefined> {
  if (app.identityProviders.all.length === 0) return undefined
  const found = await app.identityProviders.pending.findLink(interaction, now)
  const provider = found === undefined ? undefined : app.identityProviders.find(found.provider)
  return found === undefined || provider === undefined ? undefined : { ...found, provider }
}

/**
 * Whether a password may be used although the domain of the email forbids it: the provider of the domain has confirmed
 * the user, who now shows that an earlier account is theirs.
 */
export function isProofFor(app: FastifyInstance, link: OpenLink | undefined, email: CanonicalEmail): boolean {
  const { identity, provider } = link ?? {}
  return (
    identity?.isEmailVerified === true &&
    identity.email === email &&
    app.identityProviders.ofDomainOf(email) === provider
  )
}

/**
 * Makes the link that the login of an interaction was for, if there is one. If it cannot be made, the login does not
 * count.
 *
 * @param session of the login
 * @throws IdentityRefused, as `linkIdentity`
 */
export async function linkPending(
  app: FastifyInstance,
  interaction: string,
  user: StoredUser,
  session: Pick<Session, '_id'>,
  caller: Caller,
  now: Date,
): Promise<void> {
  if (app.identityProviders.all.length === 0) return
  const link = await app.identityProviders.pending.takeLink(interaction, now)
  const provider = app.identityProviders.find(link?.provider ?? '')
  if (link === undefined || provider === undefined) return
  try {
    await linkIdentity(app, user, { ...link, provider }, caller, now)
  } catch (error) {
    await app.revocation.revokeSession(session._id, 'logout')
    throw error
  }
}
