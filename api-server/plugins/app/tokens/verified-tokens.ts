import { type AccessTokenClaims, requireCurrent, type SignedToken } from './access-token.ts'
import type { KeyStore } from './key-store.ts'

/** Of about 1 KB each. */
const mostRemembered = 10_000

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
  #young = new Map<string, SignedToken>()
  #old = new Map<string, SignedToken>()

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
   * Everything about a token but its revocation.
   * @throws Problem 401 `token_invalid` or `token_expired`
   */
  async verify(token: string, now: Date): Promise<AccessTokenClaims> {
    const known = this.#find(token)
    const isGood = known !== undefined && this.#keys.verifier(known.header, now) === known.key
    const { claims } = isGood ? known : await this.#readAndRemember(token, now)
    requireCurrent(claims, now)
    return claims
  }

  async #readAndRemember(token: string, now: Date): Promise<SignedToken> {
    this.#young.delete(token)
    this.#old.delete(token)
    const signed = await this.#read(token, now)
    this.#remember(token, signed)
    return signed
  }

  #find(token: string): SignedToken | undefined {
    const young = this.#young.get(token)
    if (young !== undefined) return young
    const old = this.#old.get(token)
    if (old !== undefined) this.#remember(token, old)
    return old
  }

  #remember(token: string, signed: SignedToken): void {
    if (this.#young.size >= this.#mostPerGeneration) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(token, signed)
  }
}
