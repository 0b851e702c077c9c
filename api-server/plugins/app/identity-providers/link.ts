import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import type { Session } from '../sessions/session.ts'
import { type CanonicalEmail, canonicalStoredEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'
import { IdentityRefused } from './identity-refused.ts'
import type { PendingLink } from './pending-logins.ts'
import type { Provider } from './provider-registry.ts'

/**
 * Links a user of a provider to an account, whose user has just logged in here, with the second factor if they have one.
 *
 * The account must have a confirmed email, or the same one that the provider has verified. Otherwise, an account that
 * another person has registered with this email could be prepared with an identity of theirs. Decision 86.
 *
 * @throws IdentityRefused
 */
async function linkIdentity(
  app: FastifyInstance,
  user: StoredUser,
  { provider, identity }: OpenLink,
  caller: Caller,
  now: Date,
): Promise<void> {
  const known = await app.identities.find(identity)
  if (known?.userId.toString() === user._id.toString()) return
  const isSameEmail = identity.isEmailVerified && identity.email === canonicalStoredEmail(user.email)
  if (!isSameEmail && !(await app.verifiedEmails.has(user))) {
    throw new IdentityRefused('email_unverified', provider.name)
  }
  await app.mongo.transaction(async (session) => {
    await app.identities.add(user._id, { provider, identity }, now, session)
    if (isSameEmail) await app.verifiedEmails.add(user._id, user.email, now, session)
  })
  const about = { userId: user._id.toString(), address: caller.address }
  app.securityEvents.record('authn_identity_linked', { ...about, reason: provider.id })
  app.mail.later('identity_linked', caller.language, async () => ({ kind: 'identity_linked', to: user.email }))
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
