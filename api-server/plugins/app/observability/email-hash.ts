import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Collection } from 'mongodb'

/** What several servers of one deployment must agree on. */
export interface Setting {
  _id: string
  value: string
}

/**
 * Stands for an email in logs and events: the same for one email on every server, so that what happened to one person
 * can be found, and of no use to who reads the logs alone.
 */
export class EmailHash {
  #key: Buffer | undefined

  /** @param key undefined: it comes later */
  constructor(key?: Buffer) {
    this.#key = key
  }

  setKey(key: Buffer): void {
    this.#key = key
  }

  /** @returns undefined while there is no key yet */
  of(email: string): string | undefined {
    if (this.#key === undefined) return undefined
    return createHmac('sha256', this.#key).update(email.normalize('NFC').toLowerCase()).digest('base64url').slice(0, 16)
  }
}

/** A key of its own from a secret that has another use. RFC 5869. */
export function emailHashKeyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'authservice email hash', 32))
}

const settingId = 'email_hash_key'

/**
 * The key that the first server made, from the database: whoever can read it there can read the emails as well.
 * Waits for the database. @returns undefined when the signal came first
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
      // The database is away, or another server was faster: the next look tells.
    }
    await setTimeout(betweenMilliseconds, undefined, { signal }).catch(() => {}) // only the signal ends it early
  }
  return undefined
}
