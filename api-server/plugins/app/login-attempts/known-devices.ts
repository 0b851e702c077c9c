import { createHash, randomBytes } from 'node:crypto'
import type { ClientSession, Collection, ObjectId } from 'mongodb'

/** A device on which the user has logged in. What it keeps is a cookie; here is only its hash. */
export interface KnownDevice {
  /** SHA-256 of the cookie's value. */
  _id: string
  userId: ObjectId
  lastUsedAt: Date
  /** MongoDB removes it then. */
  expiresAt: Date
}

/** Used again, a device is remembered for its whole lifetime again; written once a day at most. */
const renewalMilliseconds = 86_400_000

/**
 * Which devices belong to whom. A device that is known for an account is counted by itself, so that nobody else's
 * guesses can keep its owner out.
 * @see https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
 */
export class KnownDevices {
  readonly #devices: Collection<KnownDevice>
  readonly #lifetimeSeconds: number

  constructor(devices: Collection<KnownDevice>, lifetimeSeconds: number) {
    this.#devices = devices
    this.#lifetimeSeconds = lifetimeSeconds
  }

  /** @returns the device, when this cookie was given to this user; one of another user is worth nothing */
  find(cookie: string, userId: ObjectId, now: Date): Promise<KnownDevice | null> {
    return this.#devices.findOne({ _id: hashOf(cookie), userId, expiresAt: { $gt: now } })
  }

  /** @returns the value of the cookie */
  async add(userId: ObjectId, now: Date): Promise<string> {
    const cookie = randomBytes(32).toString('base64url')
    await this.#devices.insertOne({ _id: hashOf(cookie), userId, lastUsedAt: now, expiresAt: this.#end(now) })
    return cookie
  }

  /** @returns whether it was time to do so; then the cookie should be sent again, with its whole lifetime */
  async renew({ _id, lastUsedAt }: KnownDevice, now: Date): Promise<boolean> {
    if (now.getTime() - lastUsedAt.getTime() < renewalMilliseconds) return false
    const { matchedCount } = await this.#devices.updateOne(
      { _id },
      { $set: { lastUsedAt: now, expiresAt: this.#end(now) } },
    )
    return matchedCount === 1
  }

  async forgetAll(userId: ObjectId, session?: ClientSession): Promise<void> {
    await this.#devices.deleteMany({ userId }, session === undefined ? {} : { session })
  }

  #end(now: Date): Date {
    return new Date(now.getTime() + this.#lifetimeSeconds * 1000)
  }
}

function hashOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64url')
}
