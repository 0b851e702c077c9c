import type { FastifyInstance } from 'fastify'
import { ObjectId } from 'mongodb'
import type { Caller } from '../caller.ts'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import type { HashPriority } from '../passwords/hash-threads.ts'
import { Problem, problem } from '../problems/problem.ts'
import type { CanonicalEmail } from '../users/email.ts'
import { isActive, type StoredUser } from '../users/user.ts'
import type { UserKey } from '../users/user-key.ts'
import { byPassword } from './authentication.ts'
import { beginSession, type LoggedIn } from './begin-session.ts'

export interface Credentials {
  email: CanonicalEmail
  password: string
}

/** What the client has beside the credentials. */
export interface LoginClient {
  /** The refresh token that the browser has: its session ends. */
  replacedToken: string | undefined
  /** What the second step of the login must come with. */
  binding: string
  /** Whether the password only shows that an account is the user's: the provider of their domain has confirmed them. */
  isProof?: boolean
}

export type LoginResult =
  | ({ kind: 'loggedIn' } & LoggedIn)
  /** The password was right, and the user has second factors. */
  | {
      kind: 'secondFactorRequired'
      userId: UserKey
      mfaToken: string
      /** How long the second step can have the device remembered; 0: not. */
      rememberDeviceSeconds: number
      factors: readonly { id: string; type: 'totp' | 'passkey'; name: string }[]
    }
  /** The password was right, and the user must enrol a second factor first. */
  | { kind: 'enrolmentRequired'; enrolmentToken: string }

/**
 * Logs a user in: a new session with its tokens, or what its second step needs.
 *
 * @throws Problem 401 `invalid_credentials`, 403 `provider_login_required`, 422 for a password that no user can have, 429 `rate_limited` or `locked`,
 * 503 `busy`, `not_ready` or `database_unavailable`
 */
export async function logIn(
  app: FastifyInstance,
  { email, password }: Credentials,
  { replacedToken, binding, isProof = false }: LoginClient,
  caller: Caller,
  now: Date,
): Promise<LoginResult> {
  app.passwords.assertHashable(password)
  if (!isProof) app.identityProviders.assertPasswordAllowed(email)
  const { user: found, device, finish } = await app.loginAttempts.open(email, caller)
  const [check, factors] = await Promise.all([
    app.passwords.check(password, found?.password_hash, priorityOf(app, found, device)),
    // For every email, so that the time says nothing about the password.
    app.mfa.requiredFactors(found?._id ?? new ObjectId()),
  ])
  const isValid = found !== null && check.matches && isActive(found)
  const failuresBefore = await finish(isValid, { keepsFailures: factors !== null })
  if (!isValid) throw invalidCredentials(app, email, caller)

  const upgradedHash = check.needsUpgrade ? await hashUnlessBusy(app, password) : undefined
  const userId = found._id.toString()
  // In this order: a password change or disabling after the user was read either ends what is recorded here, or
  // precedes the version, so that this session has ended. The same holds for a new second factor.
  const version = await app.revocation.versionOf(userId)
  const required = await app.mfa.requiredFactors(found._id)
  const rememberDeviceSeconds = required === null ? 0 : await app.mfa.rememberSeconds(found, now)
  const isKnownByFactor = app.mfa.isRemembered(device, { version, caller, maxAgeSeconds: rememberDeviceSeconds }, now)
  if (required !== null && !isKnownByFactor) {
    if (!(await isStillRight(app, found, password, upgradedHash))) throw invalidCredentials(app, email, caller)
    // Not a login yet: analyses of rollouts compare logins with those that succeed.
    app.metrics.mfaFirstSteps.inc()
    const login = { purpose: 'login', userId: found._id, version, binding } as const
    const mfaToken = await app.mfa.challenges.begin(login, now)
    return {
      kind: 'secondFactorRequired',
      userId: found._id,
      mfaToken,
      rememberDeviceSeconds,
      factors: required.factors,
    }
  }
  const user = await recordLogin(app, found, password, now, upgradedHash)
  if (user === null) throw invalidCredentials(app, email, caller)

  // With the current role, which may have changed since the user was read.
  if (required === null && (await app.mfa.policy.requires(user, now))) {
    app.metrics.mfaFirstSteps.inc()
    const enrolment = { purpose: 'enrolment', userId: user._id, version, binding } as const
    return { kind: 'enrolmentRequired', enrolmentToken: await app.mfa.challenges.begin(enrolment, now) }
  }

  // Also on a remembered device: only the password was presented now.
  const authentication = app.mfa.isOn ? { at: now, methods: byPassword } : undefined
  const loggedIn = await beginSession(app, { user, version, device, authentication, replacedToken }, caller, now)
  app.metrics.logins.inc({ outcome: 'success' })
  const event = failuresBefore === 0 ? 'authn_login_success' : 'authn_login_successafterfail'
  const sessionId = loggedIn.tokens.session._id
  const reason = isKnownByFactor ? { reason: 'second factor remembered' } : {}
  app.securityEvents.record(event, { email, address: caller.address, userId, sessionId, ...reason })
  return { kind: 'loggedIn', ...loggedIn }
}

function invalidCredentials(app: FastifyInstance, email: CanonicalEmail, { address }: Caller): Problem {
  app.metrics.logins.inc({ outcome: 'invalid_credentials' })
  app.securityEvents.record('authn_login_fail', { email, address })
  return problem(401, 'invalid_credentials', 'The email or the password is wrong.')
}

/**
 * An email without an account goes last. If registration does not disclose whether an email is taken, the position in
 * the queue must not either: it then waits with all unknown devices.
 */
function priorityOf(app: FastifyInstance, user: StoredUser | null, device: KnownDevice | null): HashPriority {
  if (device !== null) return 'owner'
  return user === null && app.config.registrationDisclosure === 'open' ? 'unknownEmail' : 'stranger'
}

/** A concurrent login of the same user may have replaced the old hash: the password must then match the new one. */
async function recordLogin(
  app: FastifyInstance,
  user: StoredUser,
  password: string,
  now: Date,
  upgradedHash: string | undefined,
): Promise<StoredUser | null> {
  const recorded = await app.users.recordLogin(user, now, upgradedHash)
  if (recorded !== null) return recorded
  const changed = await app.users.findById(user._id.toString())
  if (changed === null || !(await app.passwords.check(password, changed.password_hash, 'owner')).matches) return null
  return app.users.recordLogin(changed, now, undefined)
}

/** Whether the password is still that of an active user. The second step records the login. */
async function isStillRight(
  app: FastifyInstance,
  { _id, password_hash }: StoredUser,
  password: string,
  upgradedHash: string | undefined,
): Promise<boolean> {
  if (upgradedHash !== undefined) await app.users.change(_id, { password_hash: upgradedHash }, { password_hash })
  const user = await app.users.findById(_id.toString())
  if (user === null || !isActive(user)) return false
  if (user.password_hash === password_hash || user.password_hash === upgradedHash) return true
  return (await app.passwords.check(password, user.password_hash, 'owner')).matches
}

/** The old hash stays in use if the queue is too full for a new one. */
async function hashUnlessBusy(app: FastifyInstance, password: string): Promise<string | undefined> {
  try {
    return await app.passwords.hash(password, 'owner')
  } catch (error) {
    if (error instanceof Problem && error.code === 'busy') return undefined
    throw error
  }
}
