import { createHash, type JsonWebKey } from 'node:crypto'
import { isRetired, type SigningAlgorithm, signingKeyAt } from '@authservice-operator/contract/key-set.ts'
import { hmacBlockBytes } from '@authservice-operator/contract/secret-strength.ts'
import type { JwtKey, SigningKey } from '../../external/jwt.ts'

/** A signing key, ready for use. */
export interface LoadedKey extends SigningKey {
  kid: string
  activateAt: string
  retireAt?: string
  verifying: JwtKey
  /** The public key in the JWKS document; undefined for a symmetric key. */
  published: JsonWebKey | undefined
  /** The header of every token that it signs. RFC 9068 section 2.1. */
  header: { alg: SigningAlgorithm; kid: string; typ: 'at+jwt' }
}

/** `typ` of access tokens. RFC 9068 section 2.1. */
export const accessTokenType = 'at+jwt'

/** Adds the members that can be derived from a key. */
export function loadedKey(
  { kid, alg, activateAt, retireAt }: Pick<LoadedKey, 'kid' | 'alg' | 'activateAt' | 'retireAt'>,
  material: Pick<LoadedKey, 'signing' | 'verifying' | 'published'>,
): LoadedKey {
  const header = { alg, kid, typ: accessTokenType } as const
  return { kid, alg, activateAt, ...(retireAt !== undefined && { retireAt }), ...material, header }
}

/** JWT_SECRET as a key that is always active. */
export function keyOfSecret(secret: string): LoadedKey {
  const activateAt = new Date(0).toISOString()
  return loadedKey({ kid: 'jwt-secret', alg: 'HS256', activateAt }, secretMaterial(Buffer.from(secret)))
}

/**
 * The key of HS256. HMAC replaces a secret that is longer than a block by its hash (RFC 2104 section 2). Done here,
 * because fast-jwt would take a secret that looks like a PEM file for a public key and refuse every token.
 */
export function secretMaterial(secret: Buffer): Pick<LoadedKey, 'signing' | 'verifying' | 'published'> {
  const key = secret.length > hmacBlockBytes ? createHash('sha256').update(secret).digest() : secret
  return { signing: key, verifying: key, published: undefined }
}

/** The current keys. Replacing them is atomic: a request sees the old set or the new one. */
export class KeyStore {
  #keys: readonly LoadedKey[] = []
  /** Keys that verify but do not sign. */
  #accepted: readonly LoadedKey[] = []
  /** Keys by the first segment of their tokens. */
  #byHeader: ReadonlyMap<string, { key: LoadedKey; retiresAt: number }> = new Map()

  replace(keys: readonly LoadedKey[]): void {
    this.#keys = [...keys]
    this.#index()
  }

  /** Replaces the keys that verify but do not sign: those from before keys of another origin. */
  accept(keys: readonly LoadedKey[]): void {
    this.#accepted = [...keys]
    this.#index()
  }

  #index(): void {
    this.#byHeader = new Map(
      [...this.#accepted, ...this.#keys].map((key) => [
        Buffer.from(JSON.stringify(key.header)).toString('base64url'),
        { key, retiresAt: key.retireAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.retireAt) },
      ]),
    )
  }

  /** @returns the active key; undefined when there is none */
  signer(now: Date): LoadedKey | undefined {
    return signingKeyAt(this.#keys, now)
  }

  /**
   * The key of this header, unless it is retired.
   * @param header the first segment of a token, as received
   */
  verifier(header: string, now: Date): LoadedKey | undefined {
    const found = this.#byHeader.get(header)
    return found === undefined || found.retiresAt <= now.getTime() ? undefined : found.key
  }

  all(): LoadedKey[] {
    return [...this.#keys]
  }

  /** The document of RFC 7517 section 5: the public half of every key that is not retired, future ones included. */
  published(now: Date): { keys: JsonWebKey[] } {
    return {
      keys: [...this.#keys, ...this.#accepted].flatMap((key) =>
        key.published === undefined || isRetired(key, now) ? [] : [key.published],
      ),
    }
  }
}
