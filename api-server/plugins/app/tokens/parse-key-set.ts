import { createPrivateKey, createPublicKey, createSecretKey, type JsonWebKey } from 'node:crypto'
import type { JWK } from 'jose'
import Type from 'typebox'
import Value from 'typebox/value'
import { type KeySetEntry, keySetProblem } from './key-set.ts'
import { type LoadedKey, loadedKey } from './key-store.ts'
import { weaknessOf } from './secret-strength.ts'

const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}([.]\\d+)?Z$' })
const Part = Type.Optional(Type.String())

const KeySetSchema = Type.Object({
  version: Type.Literal(1),
  keys: Type.Array(
    Type.Object({
      kid: Type.String({ minLength: 1, maxLength: 128 }),
      alg: Type.Enum(['HS256', 'ES256', 'EdDSA']),
      jwk: Type.Object({ kty: Type.String(), crv: Part, x: Part, y: Part, d: Part, k: Part }),
      createdAt: Instant,
      activateAt: Instant,
      retireAt: Type.Optional(Instant),
    }),
    { minItems: 1 },
  ),
})

/** The text is no key set that can be used. The message is a sentence's end, and never has a part of a key in it. */
export class KeySetError extends Error {
  override name = 'KeySetError'
}

/** @throws KeySetError that says where it is wrong */
export function parseKeySet(text: string): LoadedKey[] {
  const json = parseJson(text)
  if (!Value.Check(KeySetSchema, json)) {
    const places = Value.Errors(KeySetSchema, json).map(({ instancePath }) => instancePath || 'the whole')
    throw new KeySetError(`it is no key set {"version": 1, "keys": […]}: see ${[...new Set(places)].join(', ')}`)
  }
  const fault = keySetProblem(json.keys)
  if (fault !== undefined) throw new KeySetError(fault)
  return json.keys.map(loadKey)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which has keys in it.
    throw new KeySetError('it is not JSON')
  }
}

function loadKey(entry: KeySetEntry): LoadedKey {
  const { kid, alg, jwk } = entry
  if (alg === 'HS256') {
    const bytes = Buffer.from(jwk.k ?? '', 'base64url')
    const weakness = weaknessOf(bytes)
    if (weakness !== undefined) throw new KeySetError(`key ${kid} ${weakness}`)
    const secret = createSecretKey(bytes)
    return loadedKey(entry, { signing: secret, verifying: secret, published: undefined })
  }
  // jose and Node declare the same object (RFC 7517) with and without an index signature.
  const signing = privateKey(kid, jwk as JsonWebKey)
  const verifying = createPublicKey(signing)
  const published = { ...verifying.export({ format: 'jwk' }), kid, alg, use: 'sig' } as JWK
  return loadedKey(entry, { signing, verifying, published })
}

function privateKey(kid: string, key: JsonWebKey) {
  try {
    return createPrivateKey({ key, format: 'jwk' })
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : 'unknown'
    throw new KeySetError(`key ${kid} holds no usable private key (${reason})`)
  }
}
