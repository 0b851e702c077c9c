import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Collection } from 'mongodb'
import { canonicalStoredEmail } from '../users/email.ts'

/** Values that the servers of one deployment share. */
export interface Setting {
  _id: string
  value: string
}

/**
 * Represents an email in logs and events. It is the same for one email on every server, so that the events of one
 * person can be found, and useless to a reader of the logs alone.
 */
export class EmailHash {
  #key: Buffer | undefined

  /** @param key undefined: it is set later */
  constructor(key?: Buffer) {
    this.#key = key
  }

  setKey(key: Buffer): void {
    this.#key = key
  }

  /** @returns undefined while there is no key yet */
  of(email: string): string | undefined {
    if (this.#key === undefined) return undefined
    return createHmac('sha256', this.#key)
      .update(canonicalStoredEmail(email) ?? email)
      .digest('base64url')
      .slice(0, 16)
  }
}

/** A separate key, derived from a secret with another use. RFC 5869. */
export function emailHashKeyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'authservice email hash', 32))
}

const settingId = 'email_hash_key'

/**
 * The key that the first server generated, from the database. A client that can read it there can read the emails as
 * well. Waits for the database.
 * @returns undefined if the signal came first
 */
export async function sharedEmailHashKey(
  settings: Collection<Setting>,
  { signal, betweenMilliseconds = 1_000 }: { signal: AbortSignal; betweenMilliseconds?: number },
): Promise<Buffer | undefined> {
  while (!signal.aborted) {
    try {
      const setting = await settings.findOneAndUpdate(
        { _id: settingId },
        { $setOnInsert: { value: randomBytes(32).toString('base64url') } },
        { upsert: true, returnDocument: 'after' },
      )
      if (setting !== null) return Buffer.from(setting.value, 'base64url')
    } catch {
      // The database is unavailable, or another server was faster. The next attempt finds out.
    }
    await setTimeout(betweenMilliseconds, undefined, { signal }).catch(() => {}) // only the signal ends the wait early
  }
  return undefined
}
