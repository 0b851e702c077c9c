import type { FastifyInstance } from 'fastify'
import { changeUser } from '../accounts/account-changes.ts'
import type { Caller } from '../caller.ts'
import { usesByAddress } from '../limits/plugin.ts'
import { findDevice } from '../login-attempts/login-attempt.ts'
import { noPasswordHash } from '../passwords/password-rules.ts'
import { Problem } from '../problems/problem.ts'
import { byProvider, byProviderWithTwoFactors } from '../sessions/authentication.ts'
import { beginSession } from '../sessions/begin-session.ts'
import type { LoginClient, LoginResult } from '../sessions/login.ts'
import type { CanonicalEmail } from '../users/email.ts'
import { isActive, roleOf, type StoredUser } from '../users/user.ts'
import { mappedGroups, rolesOfGroups } from './application-roles.ts'
import { type ExternalIdentity, hasTrustedSecondFactor, roleFrom } from './external-identity.ts'
import type { LinkedIdentity } from './identities.ts'
import { type IdentityRefusal, IdentityRefused } from './identity-refused.ts'
import { hasRequiredClaims, type ProviderUser, reportMissingGroups } from './provider-claims.ts'
import { recordRoles } from './role-events.ts'

/**
 * `linkRequired`: the identity belongs to no account. The user shows that an account is theirs by a login, and then it is
 * linked. `reason` says nothing about whether there is an account with an email that is not verified.
 */
export type ProviderLoginResult =
  | LoginResult
  | { kind: 'linkRequired'; reason: 'account_exists' | 'email_unverified' | 'linked_only' }

/**
 * Logs in the user to whom an identity belongs, or creates the user.
 *
 * @throws IdentityRefused for a user who may not log in, Problem 429 `rate_limited`, 503
 */
export async function logInByProvider(
  app: FastifyInstance,
  by: ProviderUser,
  client: LoginClient,
  caller: Caller,
  now: Date,
): Promise<ProviderLoginResult> {
  if (!hasRequiredClaims(app, by)) throw refused(app, by, caller, 'claims')
  reportMissingGroups(app, by)
  const known = await ownerOf(app, by.identity)
  if (known !== undefined) return logInAs(app, known, by, client, caller, now)
  const obstacle = await obstacleOf(app, by)
  if (obstacle !== undefined) return { kind: 'linkRequired', reason: obstacle.reason }
  const created = await createUser(app, by, caller, now)
  if (created === undefined) return { kind: 'linkRequired', reason: 'account_exists' }
  return logInAs(app, created, by, client, caller, now)
}

interface Owner {
  user: StoredUser
  linked: LinkedIdentity
}

/** The user of an identity. That of a deleted user, which an earlier version of the server has left, is removed. */
async function ownerOf(app: FastifyInstance, identity: ExternalIdentity): Promise<Owner | undefined> {
  const linked = await app.identities.find(identity)
  if (linked === null) return undefined
  const user = await app.users.findById(linked.userId.toString())
  if (user !== null) return { user, linked }
  await app.identities.remove(linked.userId, linked._id)
  return undefined
}

type Reason = 'account_exists' | 'email_unverified' | 'linked_only'

/** Why no account can be created for an unknown identity; undefined: it can. */
async function obstacleOf(
  app: FastifyInstance,
  { provider, identity }: ProviderUser,
): Promise<{ reason: Reason } | undefined> {
  if ((provider.users ?? 'JustInTime') === 'LinkedOnly') return { reason: 'linked_only' }
  const { email, isEmailVerified } = identity
  if (email === undefined || !isEmailVerified) return { reason: 'email_unverified' }
  // Only the provider of a domain speaks for it.
  const owner = app.identityProviders.ofDomainOf(email)
  if (owner !== undefined && owner.id !== provider.id && owner.passwordLogin === false) return { reason: 'linked_only' }
  return (await app.users.findByEmail(email)) === null ? undefined : { reason: 'account_exists' }
}

/** @returns undefined if another request has created an account with this email meanwhile */
async function createUser(
  app: FastifyInstance,
  { provider, identity }: ProviderUser,
  caller: Caller,
  now: Date,
): Promise<Owner | undefined> {
  const { limits, bcryptCost } = app.config
  // `obstacleOf` has checked that there is one.
  const email = identity.email as CanonicalEmail
  await caller.limits.use(
    ...usesByAddress('register', caller.address, limits.register),
    ...usesByAddress('register-day', caller.address, limits.registerPerDay),
  )
  const role = roleFrom(provider, identity.claims)
  const passwordHash = noPasswordHash(bcryptCost)
  const newUser = { email, name: identity.name, passwordHash, ...(role !== undefined && { role }) }
  try {
    const created = await app.mongo.transaction(async (session) => {
      const user = await app.users.register(newUser, session)
      await app.verifiedEmails.add(user._id, user.email, now, session)
      // Links that another person may have requested for this email.
      await app.oneTimeTokens.forgetRegistrations(email, session)
      return { user, linked: await app.identities.add(user._id, { provider, identity }, now, session) }
    })
    const userId = created.user._id.toString()
    app.securityEvents.record('user_created', { userId, email, address: caller.address, reason: provider.id })
    return created
  } catch (error) {
    if (error instanceof Problem && error.code === 'email_taken') return undefined
    // The same login in another tab.
    const isTaken = error instanceof IdentityRefused && error.refusal === 'taken'
    const owner = isTaken ? await ownerOf(app, identity) : undefined
    if (owner === undefined) throw error
    return owner
  }
}

async function logInAs(
  app: FastifyInstance,
  { user: found, linked }: Owner,
  by: ProviderUser,
  { replacedToken, binding }: LoginClient,
  caller: Caller,
  now: Date,
): Promise<LoginResult> {
  const { provider, identity } = by
  const userId = found._id.toString()
  if (!isActive(found)) throw disabled(app, by, found, caller)
  await applyRole(app, by, found)
  // In this order, as for passwords: what ends the user's sessions or removes the identity either precedes the version
  // and is seen below, or ends the session that begins here.
  const version = await app.revocation.versionOf(userId)
  const isLinked = await useIdentity(app, by, linked, caller, now)
  const user = await app.users.findById(userId)
  if (!isLinked || user === null || !isActive(user)) throw disabled(app, by, found, caller)

  const isTrusted = hasTrustedSecondFactor(provider, identity.claims)
  const device = caller.deviceCookie === undefined ? null : await findDevice(app, user, caller.deviceCookie)
  const required = isTrusted ? null : await app.mfa.requiredFactors(user._id)
  const rememberDeviceSeconds = required === null ? 0 : await app.mfa.rememberSeconds(user, now)
  const isKnownByFactor = app.mfa.isRemembered(device, { version, caller, maxAgeSeconds: rememberDeviceSeconds }, now)
  const challenge = { userId: user._id, version, binding }
  if (required !== null && !isKnownByFactor) {
    app.metrics.mfaFirstSteps.inc()
    const mfaToken = await app.mfa.challenges.begin({ ...challenge, purpose: 'login', isByProvider: true }, now)
    const { factors } = required
    return { kind: 'secondFactorRequired', userId: user._id, mfaToken, rememberDeviceSeconds, factors }
  }
  const recorded = await app.users.recordLogin(user, now, undefined)
  if (recorded === null) throw disabled(app, by, user, caller)
  if (!isTrusted && required === null && (await app.mfa.policy.requires(recorded, now))) {
    app.metrics.mfaFirstSteps.inc()
    const enrolmentToken = await app.mfa.challenges.begin({ ...challenge, purpose: 'enrolment' }, now)
    return { kind: 'enrolmentRequired', enrolmentToken }
  }
  const methods = isTrusted ? byProviderWithTwoFactors : byProvider
  const authentication = app.mfa.isOn ? { at: now, methods } : undefined
  const loggedIn = await beginSession(
    app,
    { user: recorded, version, device, authentication, replacedToken },
    caller,
    now,
  )
  app.metrics.logins.inc({ outcome: 'success' })
  const about = { email: recorded.email, address: caller.address, userId, sessionId: loggedIn.tokens.session._id }
  app.securityEvents.record('authn_login_success', { ...about, reason: `identity provider ${provider.id}` })
  return { kind: 'loggedIn', ...loggedIn }
}

/** Records the login, and the groups of the user. @returns false if the identity was removed meanwhile */
async function useIdentity(
  app: FastifyInstance,
  { provider, identity }: ProviderUser,
  linked: LinkedIdentity,
  { address }: Caller,
  now: Date,
): Promise<boolean> {
  const groups = mappedGroups(provider, identity.claims)
  if (!(await app.identities.use(linked, { provider: provider.id, email: identity.email, groups }, now))) return false
  const earlier = app.identityProviders.find(linked.provider)
  recordRoles(app, { userId: linked.userId.toString(), address }, provider, {
    before: earlier === undefined ? [] : rolesOfGroups(earlier, linked.groups ?? []),
    after: rolesOfGroups(provider, groups),
  })
  return true
}

/** Gives the user the role that the provider says. A new role ends the sessions that have the old one. */
async function applyRole(app: FastifyInstance, { provider, identity }: ProviderUser, user: StoredUser): Promise<void> {
  const role = roleFrom(provider, identity.claims)
  if (role === undefined || role === roleOf(user)) return
  try {
    await changeUser(app, user, { role })
    app.securityEvents.record('user_updated', { userId: user._id.toString(), reason: `role ${role} by ${provider.id}` })
  } catch (error) {
    // No user could give the role back.
    if (!(error instanceof Problem) || error.code !== 'last_admin') throw error
    app.log.warn(
      { provider: provider.id },
      'the last active administrator keeps the role, which the provider no longer gives',
    )
  }
}

function disabled(app: FastifyInstance, by: ProviderUser, { _id }: StoredUser, caller: Caller): IdentityRefused {
  app.metrics.logins.inc({ outcome: 'invalid_credentials' })
  return refused(app, by, caller, 'disabled', _id.toString())
}

function refused(
  app: FastifyInstance,
  { provider }: ProviderUser,
  { address }: Caller,
  refusal: IdentityRefusal,
  userId?: string,
): IdentityRefused {
  const reason = `identity provider ${provider.id}: ${refusal}`
  app.securityEvents.record('authn_login_fail', { address, reason, ...(userId !== undefined && { userId }) })
  return new IdentityRefused(refusal, provider.name)
}
