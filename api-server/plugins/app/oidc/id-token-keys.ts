import { createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto'
import { isRetired, signingKeyAt } from '@authservice-operator/contract/key-set.ts'
import { type OidcKey, parseOidcKeySet } from '@authservice-operator/contract/oidc-key-set.ts'
import { problem } from '../problems/problem.ts'
import type { KeyFileContent } from '../tokens/key-file.ts'
import { KeySetError } from '../tokens/load-key-set.ts'

const retry = { retryAfterSeconds: 5 }

/** RS256 for every client, and PS256 for those of the FAPI 2.0 Security Profile, by the same key. Decision 83. */
const algorithms = ['RS256', 'PS256'] as const
export type IdTokenAlgorithm = (typeof algorithms)[number]

/** The ID of a key for one algorithm: a verifier compares the algorithm of a key that has one. RFC 7517 section 4.4. */
function keyIdOf(kid: string, alg: IdTokenAlgorithm): string {
  return alg === 'RS256' ? kid : `${kid}.${alg}`
}

/** The keys that sign ID tokens. Access tokens have their own, so that one is never taken for the other. Decision 71. */
export class IdTokenKeys {
  #keys: readonly OidcKey[] = []
  #loads = 0

  asFile(): KeyFileContent<OidcKey> {
    return {
      name: 'keys of ID tokens',
      // The library would sign with keys of its own, which everybody knows.
      isNeededAtStart: true,
      parse(text) {
        const parsed = parseOidcKeySet(text)
        if (parsed.kind === 'corrupt') throw new KeySetError(parsed.problem)
        return parsed.keys
      },
      replace: (keys) => {
        this.#keys = [...keys]
        this.#loads += 1
      },
    }
  }

  /** Changes when another key signs, or when a key is added or retires. */
  versionAt(now: Date): string {
    return `${this.#loads} ${signingKeyAt(this.#keys, now)?.kid} ${this.#valid(now).length}`
  }

  /**
   * The library signs with the first key of an algorithm: the active one, then the others, which verify.
   * @throws Problem 503 `not_ready` when no key is active any more
   */
  privateKeys(now: Date): (OidcKey['jwk'] & { kid: string; alg: string; use: string })[] {
    const active = signingKeyAt(this.#keys, now)
    if (active === undefined) throw problem(503, 'not_ready', 'No key of ID tokens is active now.', retry)
    const others = this.#valid(now).filter((key) => key !== active)
    return [active, ...others].flatMap(({ jwk, kid }) =>
      algorithms.map((alg) => ({ ...jwk, kid: keyIdOf(kid, alg), alg, use: 'sig' })),
    )
  }

  /** The key that signs, as PEM; undefined: none is active. */
  signer(now: Date, alg: IdTokenAlgorithm): { kid: string; pem: string } | undefined {
    const active = signingKeyAt(this.#keys, now)
    if (active === undefined) return undefined
    const key = createPrivateKey({ key: { ...active.jwk }, format: 'jwk' })
    return { kid: keyIdOf(active.kid, alg), pem: String(key.export({ type: 'pkcs8', format: 'pem' })) }
  }

  published(now: Date): JsonWebKey[] {
    return this.#valid(now).flatMap(({ jwk, kid }) => {
      const publicKey = createPublicKey(createPrivateKey({ key: { ...jwk }, format: 'jwk' })).export({ format: 'jwk' })
      return algorithms.map((alg) => ({ ...publicKey, kid: keyIdOf(kid, alg), alg, use: 'sig' }))
    })
  }

  #valid(now: Date): OidcKey[] {
    return this.#keys.filter((key) => !isRetired(key, now))
  }
}
