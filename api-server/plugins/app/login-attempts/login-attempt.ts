import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { ObjectId } from 'mongodb'
import type { LockPolicy } from '../../../config/units.ts'
import type { Caller } from '../caller.ts'
import { addressKey, networksOf } from '../limits/address-key.ts'
import type { LockSubject } from '../limits/counters.ts'
import { type Use, usesByAddress } from '../limits/plugin.ts'
import type { Problem } from '../problems/problem.ts'
import { problem } from '../problems/problem.ts'
import { type CanonicalEmail, canonicalStoredEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'
import type { KnownDevice } from './known-devices.ts'

/** A login attempt that may check the password. */
export interface LoginAttempt {
  user: StoredUser | null
  /** The device of the attempt, if it is known for this user. */
  device: KnownDevice | null
  /**
   * Counts the result of the attempt.
   * @returns the failures before it
   * @param options.keepsFailures a right password that does not complete the login clears no failures
   * @throws Problem 429 `locked` if other requests have locked the subject meanwhile, so that the answer does not
   * reveal whether the password was right
   */
  finish(isValid: boolean, options?: { keepsFailures: boolean }): Promise<number>
}

/** The key of an account, derived from its email, whether or not a user has this email. Never the email itself. */
export function accountKey(email: CanonicalEmail): string {
  return createHash('sha256').update(email).digest('base64url').slice(0, 22)
}

/**
 * The key of a user's account. If the email is not text, the key is that of an account to which no login is possible.
 */
export function accountKeyOf(user: StoredUser): string {
  const email = canonicalStoredEmail(user.email)
  return email === undefined ? user._id.toString() : accountKey(email)
}

/** How long failures can count, for code that clears them: see `Counters.unlock`. */
export function longestCount(policy: LockPolicy): LockPolicy {
  const longest = (length: 'longestLock' | 'memory') => Math.max(policy[length], whileGuessed[length])
  return { ...policy, longestLock: longest('longestLock'), memory: longest('memory') }
}

/** The bucket of logins to an account from unknown devices. */
export function accountBucket(account: string): string {
  return `login-account:${account}`
}

/**
 * After an account has reached its limit of failures from unknown devices, each network may fail this often a day, so
 * that the owner can log in from a network without attackers (decision 29). Only failures count: a correct password
 * uses nothing up.
 */
const whileGuessed = { lockAtFailure: 3, firstLock: 28_800_000, longestLock: 86_400_000, memory: 86_400_000 }

/** Failures that count together, and their consequences. */
export interface CountedFailures {
  subject: LockSubject
  policy: LockPolicy
}

/**
 * Admits or refuses an attempt. A known device has its own limit. Other devices are limited by address, by account and
 * by the pair of both, and locked by the pair. A locked pair uses nothing up, and a correct password gives back what it
 * took from the account.
 *
 * Every key depends only on the email, so that unknown emails are counted in the same way.
 *
 * @throws Problem 429 `rate_limited` or `locked`
 */
export async function openLoginAttempt(
  app: FastifyInstance,
  email: CanonicalEmail,
  caller: Caller,
): Promise<LoginAttempt> {
  const user = await app.users.findByEmail(email)
  const { deviceCookie } = caller
  const device = deviceCookie === undefined ? null : await findDevice(app, user, deviceCookie)
  const account = accountKey(email)
  const attempt = { app, caller, email, user, device }
  const policy: LockPolicy = app.config.limits.lock
  if (device !== null) {
    const failures = [{ subject: { key: `device:${device._id}`, account }, policy }]
    await refuseLocked(app, failures)
    await caller.limits.use({ name: 'login-device', subject: account, rate: app.config.limits.loginKnownDevice })
    return opened(attempt, failures, [])
  }
  const ofPair = { subject: { key: `pair:${addressKey(caller.address)}:${account}`, account }, policy }
  await refuseLocked(app, [ofPair])
  const { used, isAccountUsedUp } = await takeUses(app, account, caller)
  if (!isAccountUsedUp) return opened(attempt, [ofPair], used)
  app.securityEvents.record('authn_login_fail_max', { ...whoseAttempt(attempt), reason: 'account' })
  const ofNetworks = networksOf(caller.address).map(({ key, weight }) => ({
    subject: { key: `guessed:${key}:${account}`, account },
    policy: { ...whileGuessed, lockAtFailure: whileGuessed.lockAtFailure * weight },
  }))
  await refuseLocked(app, ofNetworks)
  return opened(attempt, [ofPair, ...ofNetworks], used)
}

/** Looked up for unknown emails too, so that the login takes the same time. */
export async function findDevice(
  app: FastifyInstance,
  user: StoredUser | null,
  cookie: string,
): Promise<KnownDevice | null> {
  const _id = user?._id ?? new ObjectId()
  const watermark = await app.revocation.versionOf(_id.toString())
  return app.knownDevices.find(cookie, _id, watermark, new Date())
}

/**
 * Takes a use of the address, of the pair and of the account, or only of the first two if the account has none left.
 * @returns what a correct password gives back
 */
async function takeUses(app: FastifyInstance, account: string, caller: Caller) {
  const { limits } = app.config
  const ofAddress = usesByAddress('login', caller.address, limits.login)
  const ofPair = { name: 'login-pair', subject: `${addressKey(caller.address)}:${account}`, rate: limits.loginPair }
  const ofAccount = { name: 'login-account', subject: account, rate: limits.loginAccount }
  const taken = await app.limits.take([...ofAddress, ofPair, ofAccount])
  const isAccountUsedUp = !taken.isAllowed && taken.bucket.key === accountBucket(account)
  if (!isAccountUsedUp) {
    caller.limits.report(taken)
    return { used: [ofPair, ofAccount], isAccountUsedUp }
  }
  await caller.limits.use(...ofAddress, ofPair)
  return { used: [ofPair], isAccountUsedUp }
}

/** @throws Problem 429 `locked` */
export async function refuseLocked(app: FastifyInstance, failures: readonly CountedFailures[]): Promise<void> {
  for (const { subject, policy } of failures) {
    const left = await app.limits.counters.lockLeft(subject, policy)
    if (left > 0) throw locked(left)
  }
}

interface Opened {
  app: FastifyInstance
  caller: Caller
  email: string
  user: StoredUser | null
  device: KnownDevice | null
}

function whoseAttempt({ email, caller, user }: Opened) {
  return { email, address: caller.address, ...(user !== null && { userId: user._id.toString() }) }
}

function opened(attempt: Opened, [first, ...others]: readonly CountedFailures[], used: readonly Use[]): LoginAttempt {
  const { app, user, device } = attempt
  return {
    user,
    device,
    async finish(isValid, { keepsFailures } = { keepsFailures: false }) {
      let failuresBefore = 0
      if (isValid && keepsFailures) {
        await refuseLocked(app, first === undefined ? [] : [first, ...others])
        await app.limits.refund(used)
        return failuresBefore
      }
      if (first !== undefined) failuresBefore = await recordFirst(attempt, first, isValid)
      for (const { subject, policy } of others) {
        const result = await app.limits.counters.recordAttempt(subject, isValid, policy)
        if (result.outcome === 'locked') throw locked(result.left)
      }
      if (isValid && used.length > 0) await app.limits.refund(used)
      return failuresBefore
    },
  }
}

/** @returns the failures before this attempt. @throws Problem 429 `locked` */
async function recordFirst(attempt: Opened, { subject, policy }: CountedFailures, isValid: boolean): Promise<number> {
  const { limits, securityEvents } = attempt.app
  const result = await limits.counters.recordAttempt(subject, isValid, policy)
  switch (result.outcome) {
    case 'locked':
      throw locked(result.left)
    case 'succeeded':
      return result.failuresBefore
    case 'failed': {
      const from = whoseAttempt(attempt)
      if (result.failures === policy.lockAtFailure) securityEvents.record('authn_login_fail_max', from)
      if (result.lock > 0) securityEvents.record('authn_login_lock', from)
      return result.failures - 1
    }
  }
}

export function locked(milliseconds: number): Problem {
  return problem(429, 'locked', 'Too many failed logins from this address. Wait before you try again.', {
    retryAfterSeconds: milliseconds / 1000,
  })
}
