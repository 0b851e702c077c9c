import { createSecretKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { isRetired, type SigningAlgorithm, signingKeyAt } from './key-set.ts'

/** A signing key, ready for use. */
export interface LoadedKey {
  kid: string
  alg: SigningAlgorithm
  activateAt: string
  retireAt?: string
  signing: KeyObject
  verifying: KeyObject
  /** What the JWKS document shows; undefined for a symmetric key. */
  published: JWK | undefined
  /** The header of every token that it signs. RFC 9068 section 2.1. */
  header: { alg: SigningAlgorithm; kid: string; typ: 'at+jwt' }
}

/** Adds what follows from the parts of a key. */
export function loadedKey(
  { kid, alg, activateAt, retireAt }: Pick<LoadedKey, 'kid' | 'alg' | 'activateAt' | 'retireAt'>,
  material: Pick<LoadedKey, 'signing' | 'verifying' | 'published'>,
): LoadedKey {
  const header = { alg, kid, typ: 'at+jwt' } as const
  return { kid, alg, activateAt, ...(retireAt !== undefined && { retireAt }), ...material, header }
}

/** JWT_SECRET as a key that is always active. */
export function keyOfSecret(secret: string): LoadedKey {
  const key = createSecretKey(Buffer.from(secret))
  const activateAt = new Date(0).toISOString()
  return loadedKey(
    { kid: 'jwt-secret', alg: 'HS256', activateAt },
    { signing: key, verifying: key, published: undefined },
  )
}

/** The keys that are known now. Replacing them is atomic: a request sees the old set or the new one. */
export class KeyStore {
  #keys: readonly LoadedKey[] = []
  /** By the first segment of their tokens. */
  #byHeader: ReadonlyMap<string, { key: LoadedKey; retiresAt: number }> = new Map()

  replace(keys: readonly LoadedKey[]): void {
    this.#keys = [...keys]
    this.#byHeader = new Map(
      keys.map((key) => [
        Buffer.from(JSON.stringify(key.header)).toString('base64url'),
        { key, retiresAt: key.retireAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.retireAt) },
      ]),
    )
  }

  /** @returns the key that signs now; undefined when none is active */
  signer(now: Date): LoadedKey | undefined {
    return signingKeyAt(this.#keys, now)
  }

  /**
   * The key that wrote this header, unless it is retired.
   * @param header the first segment of a token, as it came
   */
  verifier(header: string, now: Date): LoadedKey | undefined {
    const found = this.#byHeader.get(header)
    return found === undefined || found.retiresAt <= now.getTime() ? undefined : found.key
  }

  all(): LoadedKey[] {
    return [...this.#keys]
  }

  /** The document of RFC 7517 section 5: the public half of every key that is not retired, future ones included. */
  published(now: Date): { keys: JWK[] } {
    return {
      keys: this.all().flatMap((key) => (key.published === undefined || isRetired(key, now) ? [] : [key.published])),
    }
  }
}
