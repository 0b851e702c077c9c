import fp from 'fastify-plugin'
import type { Caller } from '../caller.ts'
import { usesByAddress } from '../limits/plugin.ts'
import type { CanonicalEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'
import type { UserKey } from '../users/user-key.ts'
import { type FactorAttempt, openFactorAttempt, unlockFactors } from './factor-attempt.ts'
import { type KnownDevice, KnownDevices, type RememberedFactor } from './known-devices.ts'
import { accountBucket, accountKeyOf, type LoginAttempt, longestCount, openLoginAttempt } from './login-attempt.ts'

declare module 'fastify' {
  interface FastifyInstance {
    knownDevices: KnownDevices
    loginAttempts: {
      /** Whether this login may check a password. @throws Problem 429 `rate_limited` or `locked` */
      open(email: CanonicalEmail, caller: Caller): Promise<LoginAttempt>
      /** Whether this caller may present a code of a second factor. @throws Problem 429 `rate_limited` or `locked` */
      openFactor(user: StoredUser, caller: Caller): Promise<FactorAttempt>
      /**
       * Remembers the device after a login.
       * @param owner the user, and their watermark: a later one ends what is known of the device
       * @param owner.secondFactor if the user asks to be remembered: logins from the device need only the password
       * @param device as the attempt found it
       * @returns the cookie that the device is to get, when it is new or it is time to renew it
       */
      rememberDevice(
        owner: DeviceOwner,
        device: KnownDevice | null,
        caller: Caller,
        now: Date,
      ): Promise<string | undefined>
      /** Clears the failures and uses of all callers that tried to log in to this account. @returns as `Counters.unlock` */
      unlock(user: StoredUser): Promise<boolean>
      /** Clears the wrong codes of second factors of all callers for this user. @returns as `Counters.unlock` */
      unlockFactors(user: StoredUser): Promise<boolean>
    }
  }
}

/** Whose device it is. */
interface DeviceOwner {
  userId: UserKey
  /** The user's watermark. */
  version: number
  secondFactor?: RememberedFactor
}

/**
 * Maximum number of devices remembered for one address, besides the first one of each user, because many users share
 * some addresses. Without a bound, a caller with accounts could fill the disk.
 */
export const newDevicesPerDay = { count: 30, perSeconds: 86_400 } as const

export default fp(
  async function loginAttempts(app) {
    const { knownDeviceLifetimeSeconds: lifetimeSeconds, limits } = app.config
    const devices = new KnownDevices(app.mongo.db.collection<KnownDevice>('known_devices'), lifetimeSeconds)
    app.decorate('knownDevices', devices)
    /** Beyond the bound, users can log in, but nothing is stored. */
    const mayRemember = async (userId: UserKey, { address }: Caller) =>
      !(await devices.hasAny(userId)) ||
      (await app.limits.take(usesByAddress('device-day', address, newDevicesPerDay))).isAllowed
    app.decorate('loginAttempts', {
      open: (email, caller) => openLoginAttempt(app, email, caller),
      openFactor: (user, caller) => openFactorAttempt(app, user, caller),
      unlockFactors: (user) => unlockFactors(app, user),
      async rememberDevice(owner, device, caller, now) {
        if (device !== null && owner.secondFactor !== undefined) {
          await devices.remember(device, owner.secondFactor, now)
          return caller.deviceCookie
        }
        if (device !== null) return (await devices.renew(device, now)) ? caller.deviceCookie : undefined
        return (await mayRemember(owner.userId, caller)) ? devices.add(owner, now) : undefined
      },
      unlock(user) {
        const account = accountKeyOf(user)
        const buckets = [accountBucket(account), `login-device:${account}`]
        return app.limits.counters.unlock(account, longestCount(limits.lock), buckets)
      },
    })
  },
  { name: 'login-attempts', dependencies: ['config', 'mongo', 'users', 'limits', 'revocation'] },
)
