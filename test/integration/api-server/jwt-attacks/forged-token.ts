import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { KeySetEntry } from '../../../../contract/key-set.ts'

/** A key of the server with its private part. */
export interface OwnKey {
  entry: KeySetEntry
  sign(input: string): Buffer
}

/** @param createdAt also the time when it starts to sign */
export function makeKey(alg: KeySetEntry['alg'], createdAt: Date, retireAt?: Date): OwnKey {
  const jwk = jwkOf(alg)
  const kid = `${alg}-${randomBytes(6).toString('hex')}`
  const at = createdAt.toISOString()
  const entry = { kid, alg, jwk, createdAt: at, activateAt: at, ...(retireAt && { retireAt: retireAt.toISOString() }) }
  return { entry, sign: (input) => signatureOf(alg, jwk, input) }
}

function jwkOf(alg: KeySetEntry['alg']): KeySetEntry['jwk'] {
  switch (alg) {
    case 'HS256':
      return { kty: 'oct', k: randomBytes(32).toString('base64url') }
    case 'ES256':
      return exported(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    case 'EdDSA':
      return exported(generateKeyPairSync('ed25519').privateKey)
  }
}

function exported(key: KeyObject): KeySetEntry['jwk'] {
  // Node's type of a JWK does not require kty; the object has it.
  return key.export({ format: 'jwk' }) as KeySetEntry['jwk']
}

function signatureOf(alg: KeySetEntry['alg'], jwk: KeySetEntry['jwk'], input: string): Buffer {
  if (alg === 'HS256') return hmac('sha256', Buffer.from(jwk.k ?? '', 'base64url'), input)
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' })
  if (alg === 'EdDSA') return sign(null, Buffer.from(input), key)
  return sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
}

export function hmac(hash: string, secret: string | Buffer, input: string): Buffer {
  return createHmac(hash, secret).update(input).digest()
}

/** A string as it is, anything else as JSON. */
export function encoded(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

/** header.payload.signature of any content. */
export function forge(header: unknown, payload: unknown, signer: (input: string) => Buffer | string): string {
  const input = `${encoded(header)}.${encoded(payload)}`
  const signature = signer(input)
  return `${input}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`
}

export function headerOf({ entry: { alg, kid } }: OwnKey): Record<string, unknown> {
  return { alg, kid, typ: 'at+jwt' }
}
