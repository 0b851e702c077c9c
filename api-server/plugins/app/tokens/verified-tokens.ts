import { type AccessTokenClaims, isCurrent } from './access-token.ts'
import type { KeyStore, LoadedKey } from './key-store.ts'

/** Maximum number of tokens, of about 1 KB each. */
const mostRemembered = 10_000

interface VerifiedToken {
  key: LoadedKey
  claims: AccessTokenClaims
}

/**
 * The hot path of `GET /v1/auth/verify`: access tokens that `request.jwtVerify` has accepted, by their exact text, so
 * that a token which a client sends again costs no signature check. Decision 0017.
 *
 * A token is found only until it expires, and only while the key store still gives the very key that its signature was
 * checked with. The caller checks whether its session has ended. Refused tokens are never remembered.
 */
export class VerifiedTokens {
  readonly #keys: KeyStore
  readonly #most: number
  /** In order of use. */
  readonly #tokens = new Map<string, VerifiedToken>()

  constructor(keys: KeyStore, most = mostRemembered) {
    this.#keys = keys
    this.#most = most
  }

  get size(): number {
    return this.#tokens.size
  }

  find(token: string, now: Date): AccessTokenClaims | undefined {
    const found = this.#tokens.get(token)
    if (found === undefined) return undefined
    this.#tokens.delete(token)
    if (this.#keyOf(token, now) !== found.key || !isCurrent(found.claims, now)) return undefined
    this.#tokens.set(token, found)
    return found.claims
  }

  /** Verifies a token, and remembers it if its key is the same before and after, so that no other key was used. */
  async verifyAndRemember(
    token: string,
    now: () => Date,
    verify: () => Promise<AccessTokenClaims>,
  ): Promise<AccessTokenClaims> {
    const key = this.#keyOf(token, now())
    const claims = await verify()
    if (key !== undefined && this.#keyOf(token, now()) === key) this.#remember(token, { key, claims })
    return claims
  }

  #keyOf(token: string, now: Date): LoadedKey | undefined {
    return this.#keys.verifier(token.slice(0, token.indexOf('.')), now)
  }

  #remember(token: string, verified: VerifiedToken): void {
    this.#tokens.set(token, verified)
    if (this.#tokens.size <= this.#most) return
    const [usedLongestAgo] = this.#tokens.keys()
    if (usedLongestAgo !== undefined) this.#tokens.delete(usedLongestAgo)
  }
}
