import type { Collection } from 'mongodb'
import { hashOf, newOpaqueToken } from '../opaque-token.ts'
import type { UserKey } from '../users/user-key.ts'

/** A device on which the user has logged in. The device keeps a cookie, and the server only its hash. */
export interface KnownDevice {
  /** SHA-256 of the cookie's value. */
  _id: string
  userId: UserKey
  /**
   * The user's watermark when the device became known: what ends the user's sessions ends it too. Earlier versions of
   * the server did not write it.
   */
  version?: number
  lastUsedAt: Date
  /** Time at which MongoDB removes it. */
  expiresAt: Date
  /** The last second factor on the device whose user asked to be remembered. Decision 64. */
  secondFactor?: RememberedFactor
}

export interface RememberedFactor {
  at: Date
  /** Hash of what identifies the client beside its cookie: see `bindingOf`. */
  client: string
}

/** A used device stays known for its whole lifetime again; written at most once a day. */
const renewalMilliseconds = 86_400_000
/** Maximum number of devices of a user: one more removes the least recently used one. */
const maxDevices = 50
/** Removed at once, if an earlier version stored more. */
const maxForgottenAtOnce = 1_000

/**
 * Which devices belong to which account. A device that an account knows has its own limits, so that guesses by others
 * cannot lock out its owner.
 * @see https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
 */
export class KnownDevices {
  readonly #devices: Collection<KnownDevice>
  readonly #lifetimeSeconds: number

  constructor(devices: Collection<KnownDevice>, lifetimeSeconds: number) {
    this.#devices = devices
    this.#lifetimeSeconds = lifetimeSeconds
  }

  /**
   * @param watermark the user's
   * @returns the device if this cookie was given to this user and nothing has ended it since; null for another user's cookie
   */
  async find(cookie: string, userId: UserKey, watermark: number, now: Date): Promise<KnownDevice | null> {
    const device = await this.#devices.findOne({ _id: hashOf(cookie), userId, expiresAt: { $gt: now } })
    return device !== null && (device.version ?? device.lastUsedAt.getTime()) >= watermark ? device : null
  }

  /** @param version the user's watermark @returns the value of the cookie */
  async add(device: Pick<KnownDevice, 'userId' | 'version' | 'secondFactor'>, now: Date): Promise<string> {
    const cookie = newOpaqueToken()
    const { userId } = device
    await this.#devices.insertOne({ _id: hashOf(cookie), ...device, lastUsedAt: now, expiresAt: this.#end(now) })
    await this.#forgetSurplus(userId)
    return cookie
  }

  /** Whether any device is known for this user, including ended ones that are not removed yet. */
  async hasAny(userId: UserKey): Promise<boolean> {
    return (await this.#devices.findOne({ userId }, { projection: { _id: 1 } })) !== null
  }

  async #forgetSurplus(userId: UserKey): Promise<void> {
    const surplus = await this.#devices
      .find({ userId }, { projection: { _id: 1 } })
      .sort({ lastUsedAt: -1 })
      .skip(maxDevices)
      .limit(maxForgottenAtOnce)
      .toArray()
    if (surplus.length > 0) await this.#devices.deleteMany({ _id: { $in: surplus.map(({ _id }) => _id) } })
  }

  /** @returns whether it was time to do so; then send the cookie again, with its whole lifetime */
  async renew({ _id, lastUsedAt }: KnownDevice, now: Date): Promise<boolean> {
    if (now.getTime() - lastUsedAt.getTime() < renewalMilliseconds) return false
    const { matchedCount } = await this.#devices.updateOne(
      { _id },
      { $set: { lastUsedAt: now, expiresAt: this.#end(now) } },
    )
    return matchedCount === 1
  }

  /** Remembers the second factor of a device, and renews the device. */
  async remember({ _id }: KnownDevice, secondFactor: RememberedFactor, now: Date): Promise<void> {
    await this.#devices.updateOne({ _id }, { $set: { secondFactor, lastUsedAt: now, expiresAt: this.#end(now) } })
  }

  #end(now: Date): Date {
    return new Date(now.getTime() + this.#lifetimeSeconds * 1000)
  }
}
