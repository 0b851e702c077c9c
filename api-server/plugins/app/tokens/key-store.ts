import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { isRetired, type KeySetEntry, type KeySetFile, type SigningAlgorithm, signingKeyAt } from './key-set.ts'

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
}

/** @throws when the text is no key set: the message says where it is wrong, without any key in it */
export function parseKeySet(text: string): LoadedKey[] {
  let file: KeySetFile
  try {
    file = JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
  if (file.version !== 1 || !Array.isArray(file.keys)) throw new Error('expected {"version": 1, "keys": […]}')
  return file.keys.map(loadKey)
}

function loadKey(entry: KeySetEntry): LoadedKey {
  const { kid, alg, jwk, activateAt, retireAt } = entry
  const times = { activateAt, ...(retireAt !== undefined && { retireAt }) }
  try {
    if (alg === 'HS256') {
      const secret = createSecretKey(Buffer.from(jwk.k ?? '', 'base64url'))
      if ((secret.symmetricKeySize ?? 0) < 32) throw new Error('an HS256 key needs 256 bits (RFC 7518 section 3.2)')
      return { kid, alg, ...times, signing: secret, verifying: secret, published: undefined }
    }
    // JsonWebKey of Node and JWK of jose describe the same object.
    const signing = createPrivateKey({ key: jwk as never, format: 'jwk' })
    const verifying = createPublicKey(signing)
    return {
      kid,
      alg,
      ...times,
      signing,
      verifying,
      published: { ...verifying.export({ format: 'jwk' }), kid, alg, use: 'sig' } as JWK,
    }
  } catch (error) {
    throw new Error(`key ${kid} cannot be used: ${error instanceof Error ? error.message : error}`)
  }
}

/** The keys that are known now. Replacing them is atomic: a request sees the old set or the new one. */
export class KeyStore {
  #keys: ReadonlyMap<string, LoadedKey> = new Map()

  replace(keys: readonly LoadedKey[]): void {
    this.#keys = new Map(keys.map((key) => [key.kid, key]))
  }

  /** @returns the key that signs now; undefined when none is active */
  signer(now: Date): LoadedKey | undefined {
    return signingKeyAt([...this.#keys.values()], now)
  }

  verifier(kid: string, now: Date): LoadedKey | undefined {
    const key = this.#keys.get(kid)
    return key === undefined || isRetired(key, now) ? undefined : key
  }

  all(): LoadedKey[] {
    return [...this.#keys.values()]
  }

  /** The document of RFC 7517 section 5: the public half of every key that is not retired, future ones included. */
  published(now: Date): { keys: JWK[] } {
    return {
      keys: this.all().flatMap((key) => (key.published === undefined || isRetired(key, now) ? [] : [key.published])),
    }
  }
}

export async function readKeySet(file: string): Promise<LoadedKey[]> {
  return parseKeySet(await readFile(file, 'utf8'))
}

/** JWT_SECRET as a key set of one key that is always active. */
export function keyOfSecret(secret: string): LoadedKey {
  const key = createSecretKey(Buffer.from(secret))
  return {
    kid: 'jwt-secret',
    alg: 'HS256',
    activateAt: new Date(0).toISOString(),
    signing: key,
    verifying: key,
    published: undefined,
  }
}
