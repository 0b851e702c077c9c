import { type AccessTokenClaims, requireCurrent, type SignedToken } from './access-token.ts'
import type { KeyStore } from './key-store.ts'

/** Of about 1 KB each. */
const mostRemembered = 10_000

/** Of a token's end, which is its signature: few enough to be hashed fast, and random enough to tell tokens apart. */
const keyCharacters = 43

interface Remembered extends SignedToken {
  /** The whole of it: the key of a map is a part. */
  token: string
}

/**
 * Verifies access tokens, and remembers what does not change of those that were good: the signature and the claims, by
 * the exact text of the token. What may change is looked at every time: whether the key is still the one that verifies
 * tokens with this header, the time, and (by the caller) revocations. What is refused is never remembered.
 */
export class VerifiedTokens {
  readonly #keys: KeyStore
  readonly #read: (token: string, now: Date) => Promise<SignedToken>
  readonly #mostPerGeneration: number
  /** Two generations instead of an order of use: when the young one is full, the old one is forgotten whole. */
  #young = new Map<string, Remembered>()
  #old = new Map<string, Remembered>()

  /** @param read checks a token that is not remembered, and throws when it is not good */
  constructor(keys: KeyStore, read: (token: string, now: Date) => Promise<SignedToken>, most = mostRemembered) {
    this.#keys = keys
    this.#read = read
    this.#mostPerGeneration = Math.ceil(most / 2)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /**
   * Everything about a token but its revocation; at once for one that is remembered.
   * @throws Problem 401 `token_invalid` or `token_expired`
   */
  verify(token: string, now: Date): AccessTokenClaims | Promise<AccessTokenClaims> {
    const key = token.slice(-keyCharacters)
    const known = this.#find(key, token)
    if (known === undefined) return this.#readAndRemember(key, token, now)
    if (this.#keys.verifier(known.header, now) !== known.key) {
      this.#young.delete(key)
      this.#old.delete(key)
      return this.#readAndRemember(key, token, now)
    }
    requireCurrent(known.claims, now)
    return known.claims
  }

  async #readAndRemember(key: string, token: string, now: Date): Promise<AccessTokenClaims> {
    const signed = await this.#read(token, now)
    this.#remember(key, { ...signed, token })
    requireCurrent(signed.claims, now)
    return signed.claims
  }

  #find(key: string, token: string): Remembered | undefined {
    const young = this.#young.get(key)
    if (young?.token === token) return young
    const old = this.#old.get(key)
    if (old?.token !== token) return undefined
    this.#remember(key, old)
    return old
  }

  #remember(key: string, remembered: Remembered): void {
    if (this.#young.size >= this.#mostPerGeneration) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, remembered)
  }
}
