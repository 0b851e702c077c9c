import {
  type AccessTokenClaims,
  readAccessToken,
  requireCurrent,
  type SignedToken,
  type TokenPolicy,
} from './access-token.ts'
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
  readonly #policy: Pick<TokenPolicy, 'issuer' | 'audience'>
  readonly #mostPerGeneration: number
  /** Two generations instead of an order of use: when the young one is full, the old one is forgotten whole. */
  #young = new Map<string, SignedToken>()
  #old = new Map<string, SignedToken>()

  constructor(keys: KeyStore, policy: Pick<TokenPolicy, 'issuer' | 'audience'>, most = mostRemembered) {
    this.#keys = keys
    this.#policy = policy
    this.#mostPerGeneration = Math.ceil(most / 2)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /**
   * Everything about a token but its revocation. Without a turn of the event loop when the token is remembered.
   * @throws Problem 401 `token_invalid` or `token_expired`
   */
  verify(token: string, now: Date): AccessTokenClaims | Promise<AccessTokenClaims> {
    const known = this.#find(token)
    if (known === undefined) return this.#read(token, now)
    if (this.#keys.verifier(known.header, now) !== known.key) {
      this.#forget(token)
      return this.#read(token, now)
    }
    requireCurrent(known.claims, now)
    return known.claims
  }

  async #read(token: string, now: Date): Promise<AccessTokenClaims> {
    const signed = await readAccessToken(this.#keys, this.#policy, token, now)
    requireCurrent(signed.claims, now)
    this.#remember(token, signed)
    return signed.claims
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

  #forget(token: string): void {
    this.#young.delete(token)
    this.#old.delete(token)
  }
}
