import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { addressKey } from '../limits/address-key.ts'
import type { LockSubject } from '../limits/counters.ts'
import type { LockPolicy } from '../limits/lock.ts'
import type { Problem } from '../problems/problem.ts'
import { problem } from '../problems/problem.ts'
import type { StoredUser } from '../users/user.ts'
import type { KnownDevice } from './known-devices.ts'

/** An attempt to log in that may go on to check the password. */
export interface LoginAttempt {
  user: StoredUser | null
  /** The device that sent it, when it is known for this user. */
  device: KnownDevice | null
  /**
   * Counts how it went.
   * @returns the failures before it
   * @throws Problem 429 `locked` when others have locked the subject meanwhile: then nobody learns whether it was right
   */
  settle(isRight: boolean): Promise<number>
}

/** The account as a key: the user's id, or what stands for an email that nobody has. Never the email itself. */
export function accountKey(email: string, user: StoredUser | null): string {
  if (user !== null) return user._id.toHexString()
  return createHash('sha256').update(email.normalize('NFKC').toLowerCase()).digest('base64url').slice(0, 22)
}

/** The bucket of the log-ins of an account from unknown devices. */
export function accountBucket(account: string): string {
  return `login-account:${account}`
}

/**
 * Lets an attempt through, or not. A device that is known for the account is limited by itself; everybody else by their
 * address, by the account, and by the pair of both, and locked by the pair.
 *
 * The user is looked up before the account is counted, because the database decides which spellings of an email are one.
 *
 * @throws Problem 429 `rate_limited` or `locked`
 */
export async function openLoginAttempt(
  app: FastifyInstance,
  { email, cookie }: { email: string; cookie: string | undefined },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<LoginAttempt> {
  const { limits } = app.config
  const address = addressKey(request.ip)
  const known = cookie === undefined ? undefined : await findKnown(app, email, cookie)
  if (known !== undefined) {
    const account = accountKey(email, known.user)
    await app.limits.use('login-device', account, limits.loginKnownDevice, request, reply)
    return locking(app, request, email, known.user, known.device, { key: `device:${known.device._id}`, account })
  }
  await app.limits.use('login', address, limits.login, request, reply)
  const user = await app.users.findByEmail(email)
  const account = accountKey(email, user)
  const pair = `${address}:${account}`
  await app.limits.useAll(
    [
      { name: 'login-account', subject: account, rate: limits.loginAccount },
      { name: 'login-pair', subject: pair, rate: limits.loginPair },
    ],
    request,
    reply,
  )
  return locking(app, request, email, user, null, { key: `pair:${pair}`, account })
}

async function findKnown(app: FastifyInstance, email: string, cookie: string) {
  const user = await app.users.findByEmail(email)
  const device = user === null ? null : await app.knownDevices.find(cookie, user._id, new Date())
  return user === null || device === null ? undefined : { user, device }
}

async function locking(
  app: FastifyInstance,
  request: FastifyRequest,
  email: string,
  user: StoredUser | null,
  device: KnownDevice | null,
  subject: LockSubject,
): Promise<LoginAttempt> {
  const policy: LockPolicy = app.config.limits.lock
  const left = await app.limits.counters.lockLeft(subject, policy)
  if (left > 0) throw locked(left)
  return {
    user,
    device,
    async settle(isRight) {
      const settlement = await app.limits.counters.settle(subject, isRight, policy)
      switch (settlement.outcome) {
        case 'locked':
          throw locked(settlement.left)
        case 'succeeded':
          return settlement.failuresBefore
        case 'failed': {
          const from = { email, address: request.ip, ...(user !== null && { userId: user._id.toHexString() }) }
          if (settlement.failures === policy.lockAtFailure) app.securityEvents.record('authn_login_fail_max', from)
          if (settlement.lock > 0) app.securityEvents.record('authn_login_lock', from)
          return settlement.failures - 1
        }
      }
    },
  }
}

function locked(milliseconds: number): Problem {
  return problem(429, 'locked', 'Too many failed log-ins from here. Wait before the next one.', {
    retryAfterSeconds: milliseconds / 1000,
  })
}
