import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { signingKeyAt } from '@authservice-operator/contract/key-set.ts'
import type { MfaKey } from '@authservice-operator/contract/mfa-key-set.ts'

/** A secret as stored: AES-256-GCM. */
export interface SealedSecret {
  /** The key that encrypted it. */
  kid: string
  /** base64url of the nonce (12 bytes), the ciphertext and the tag (16 bytes). */
  data: string
}

/** The key that encrypted a secret is not in the file, or the stored secret was changed. */
export class UnreadableSecretError extends Error {
  override name = 'UnreadableSecretError'
}

const nonceBytes = 12
const tagBytes = 16

/** `newest`: it encrypts. `older`: it only decrypts. `future`: it is not active yet. */
export type KeyState = 'newest' | 'older' | 'future'

/** Keys that encrypt secrets of second factors. Replacing them is atomic. */
export class MfaKeys {
  #keys: readonly MfaKey[] = []

  replace(keys: readonly MfaKey[]): void {
    this.#keys = [...keys]
  }

  /**
   * @param subject whose secret it is: it can be decrypted only with the same subject, so that a secret that is copied to
   * another user's document is of no use
   * @throws Error when no key is active
   */
  seal(secret: string, subject: string, now: Date): SealedSecret {
    const key = this.#active(now)
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', bytesOf(key), nonce).setAAD(Buffer.from(subject))
    const parts = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]
    return { kid: key.kid, data: Buffer.concat(parts).toString('base64url') }
  }

  /** @throws UnreadableSecretError */
  unseal({ kid, data }: SealedSecret, subject: string): string {
    const key = this.#keys.find((each) => each.kid === kid)
    if (key === undefined) throw new UnreadableSecretError(`the key ${kid} of a second factor is not in the key set`)
    const bytes = Buffer.from(data, 'base64url')
    if (bytes.length < nonceBytes + tagBytes)
      throw new UnreadableSecretError('a secret of a second factor is cut short')
    try {
      const nonce = bytes.subarray(0, nonceBytes)
      const decipher = createDecipheriv('aes-256-gcm', bytesOf(key), nonce, { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(subject)).setAuthTag(bytes.subarray(-tagBytes))
      const plain = [decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]
      return Buffer.concat(plain).toString('utf8')
    } catch (error) {
      throw new UnreadableSecretError(`a secret of a second factor does not match its key ${kid}`, { cause: error })
    }
  }

  /** The ID of the key that encrypts. @throws Error when no key is active */
  newest(now: Date): string {
    return this.#active(now).kid
  }

  /** The state of every key, by its ID. */
  states(now: Date): ReadonlyMap<string, KeyState> {
    const newest = signingKeyAt(this.#keys, now)
    const stateOf = (key: MfaKey): KeyState => {
      if (key === newest) return 'newest'
      return Date.parse(key.activateAt) > now.getTime() ? 'future' : 'older'
    }
    return new Map(this.#keys.map((key) => [key.kid, stateOf(key)]))
  }

  /**
   * An HMAC-SHA-256 that only the servers can compute. Unlike a sealed secret, it may be computed any number of times.
   * @param purpose what it is for: the HMACs of each purpose have a key of their own
   * @throws Error when no key is active
   */
  mac(purpose: string, data: Uint8Array, now: Date): Buffer {
    return macWith(this.#active(now), purpose, data)
  }

  /** Whether `mac` is that of one of the keys. */
  isMac(purpose: string, data: Uint8Array, mac: Uint8Array): boolean {
    return this.#keys.some((key) => {
      const expected = macWith(key, purpose, data)
      return expected.length === mac.length && timingSafeEqual(expected, mac)
    })
  }

  #active(now: Date): MfaKey {
    const key = signingKeyAt(this.#keys, now)
    if (key === undefined) throw new Error('no key for secrets of second factors is active now')
    return key
  }

  /** Whether an earlier key encrypted the secret, so that it is time to encrypt it again. */
  isOutdated({ kid }: SealedSecret, now: Date): boolean {
    const key = signingKeyAt(this.#keys, now)
    return key !== undefined && key.kid !== kid
  }
}

function macWith(key: MfaKey, purpose: string, data: Uint8Array): Buffer {
  const derived = Buffer.from(hkdfSync('sha256', bytesOf(key), '', purpose, 32))
  return createHmac('sha256', derived).update(data).digest()
}

function bytesOf({ key }: MfaKey): Buffer {
  return Buffer.from(key, 'base64url')
}

/** MFA_SECRET as a key that is always active. RFC 5869. */
export function keyOfMfaSecret(secret: string): MfaKey {
  const epoch = new Date(0).toISOString()
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'authservice second factors', 32)).toString('base64url')
  return { kid: 'mfa-secret', key, createdAt: epoch, activateAt: epoch }
}
