import type { FastifyInstance } from 'fastify'
import type { LockPolicy } from '../../../config/units.ts'
import type { Caller } from '../caller.ts'
import { addressKey } from '../limits/address-key.ts'
import { type Use, usesByAddress } from '../limits/plugin.ts'
import type { StoredUser } from '../users/user.ts'
import type { KnownDevice } from './known-devices.ts'
import { accountBucket, accountKeyOf, type CountedFailures, findDevice, locked, refuseLocked } from './login-attempt.ts'

/**
 * `used`: a right code that was used before. It is refused as a wrong one is, but it is no guess: a client that sends a
 * code twice must not lock its user.
 */
export type CodeResult = 'valid' | 'used' | 'wrong'

/** An attempt that may check a code of a second factor. */
export interface FactorAttempt {
  /** The device of the attempt, if it is known for this user. */
  device: KnownDevice | null
  /**
   * Counts the result. A valid code clears no failures.
   *
   * @returns whether this failure is the first that locks all unknown devices of the user
   * @throws Problem 429 `locked` if other requests have locked the subject meanwhile
   */
  finish(result: CodeResult): Promise<{ isFirstLock: boolean }>
}

/**
 * Wrong codes of one user from all unknown devices, or from one known device. A client that sends a code knows the
 * password or has a token, so these failures lock the user and not only the address: about 40 wrong codes a day, of
 * which each is right with a probability of 3 in a million. Decision 59.
 */
const factorLock: LockPolicy = {
  lockAtFailure: 10,
  firstLock: 60_000,
  longestLock: 3_600_000,
  memory: 21_600_000,
}

/** The account under which wrong codes count: what unlocks the password of an account does not clear them. */
function factorAccount(user: StoredUser): string {
  return `factor:${accountKeyOf(user)}`
}

/**
 * Admits or refuses an attempt to present a code. It counts as a login does, by address and by the pair of address and
 * account, and in addition by user.
 *
 * @throws Problem 429 `rate_limited` or `locked`
 */
export async function openFactorAttempt(
  app: FastifyInstance,
  user: StoredUser,
  caller: Caller,
): Promise<FactorAttempt> {
  const account = accountKeyOf(user)
  const { deviceCookie } = caller
  const device = deviceCookie === undefined ? null : await findDevice(app, user, deviceCookie)
  const { failures, uses } =
    device === null ? ofStranger(app, user, account, caller) : ofDevice(app, user, account, device)
  await refuseLocked(app, failures)
  await caller.limits.use(...uses)
  return {
    device,
    async finish(result) {
      if (result !== 'wrong') {
        await refuseLocked(app, failures)
        if (result === 'valid') await app.limits.refund(uses)
        return { isFirstLock: false }
      }
      const isFirstLock = await recordFailure(app, failures)
      // Beside the password, whose limit of failures this is. Nothing is refused here.
      if (device === null)
        await app.limits.take([{ name: 'login-account', subject: account, rate: app.config.limits.loginAccount }])
      return { isFirstLock }
    },
  }
}

interface Counted {
  failures: readonly CountedFailures[]
  uses: [Use, ...Use[]]
}

function ofDevice(app: FastifyInstance, user: StoredUser, account: string, { _id }: KnownDevice): Counted {
  const { lock, loginKnownDevice } = app.config.limits
  return {
    failures: [
      { subject: { key: `device:${_id}`, account }, policy: lock },
      { subject: { key: `factor-device:${_id}`, account: factorAccount(user) }, policy: factorLock },
    ],
    uses: [{ name: 'login-device', subject: account, rate: loginKnownDevice }],
  }
}

function ofStranger(app: FastifyInstance, user: StoredUser, account: string, { address }: Caller): Counted {
  const { lock, login, loginPair } = app.config.limits
  const pair = `${addressKey(address)}:${account}`
  return {
    failures: [
      { subject: { key: `pair:${pair}`, account }, policy: lock },
      { subject: { key: `factor:${user._id.toString()}`, account: factorAccount(user) }, policy: factorLock },
    ],
    uses: [...usesByAddress('login', address, login), { name: 'login-pair', subject: pair, rate: loginPair }],
  }
}

/** @returns whether the lock of the user began with it. @throws Problem 429 `locked` */
async function recordFailure(app: FastifyInstance, failures: readonly CountedFailures[]): Promise<boolean> {
  let isFirstLock = false
  for (const { subject, policy } of failures) {
    const result = await app.limits.counters.recordAttempt(subject, false, policy)
    if (result.outcome === 'locked') throw locked(result.left)
    isFirstLock = policy === factorLock && result.outcome === 'failed' && result.failures === policy.lockAtFailure
  }
  return isFirstLock
}

/** Clears the wrong codes of all callers for this user. @returns as `Counters.unlock` */
export function unlockFactors(app: FastifyInstance, user: StoredUser): Promise<boolean> {
  return app.limits.counters.unlock(factorAccount(user), factorLock, [accountBucket(accountKeyOf(user))])
}
