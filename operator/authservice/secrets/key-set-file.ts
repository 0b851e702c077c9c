import { createPrivateKey } from 'node:crypto'
import type { KeySetEntry, KeySetFile } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'
import Type from 'typebox'
import Value from 'typebox/value'

/** Shortest secret for HS256: as long as its hash, RFC 7518 section 3.2. */
export const shortestSecretBytes = 32

const instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}([.]\\d+)?Z$' })

const KeySetSchema = Type.Object({
  version: Type.Literal(1),
  keys: Type.Array(
    Type.Object({
      kid: Type.String({ minLength: 1 }),
      alg: Type.Enum(['HS256', 'ES256', 'EdDSA']),
      jwk: Type.Object({
        kty: Type.String(),
        crv: Type.Optional(Type.String()),
        x: Type.Optional(Type.String()),
        y: Type.Optional(Type.String()),
        d: Type.Optional(Type.String()),
        k: Type.Optional(Type.String()),
      }),
      createdAt: instant,
      activateAt: instant,
      retireAt: Type.Optional(instant),
    }),
    { minItems: 1 },
  ),
})

export type ParsedKeySet = { kind: 'valid'; keySet: KeySetFile } | { kind: 'corrupt'; problem: string }

/**
 * Reads a key set file. What it says about a problem never holds a part of a key.
 */
export function parseKeySet(text: string): ParsedKeySet {
  const json = parseJson(text)
  if (json === undefined) return { kind: 'corrupt', problem: 'it is not JSON' }
  if (!Value.Check(KeySetSchema, json)) {
    const places = Value.Errors(KeySetSchema, json).map(({ instancePath }) => instancePath || 'the whole')
    return { kind: 'corrupt', problem: `it is not a key set: see ${[...new Set(places)].join(', ')}` }
  }
  const problem = json.keys.map(problemOf).find((one) => one !== undefined) ?? repeatedKid(json.keys)
  return problem === undefined ? { kind: 'valid', keySet: json } : { kind: 'corrupt', problem }
}

/** The JWK key type of each algorithm; RFC 7518 section 6, RFC 8037. */
const keyTypes = { HS256: 'oct', ES256: 'EC', EdDSA: 'OKP' } as const

function problemOf({ kid, alg, jwk, createdAt, activateAt, retireAt }: KeySetEntry): string | undefined {
  const dates = [createdAt, activateAt, ...(retireAt === undefined ? [] : [retireAt])]
  if (dates.some((date) => Number.isNaN(Date.parse(date)))) return `key ${kid} has a date that does not exist`
  if (jwk.kty !== keyTypes[alg]) return `key ${kid} is for ${alg}, and its kty is ${jwk.kty}`
  if (alg === 'HS256') {
    const bytes = Buffer.from(jwk.k ?? '', 'base64url').length
    return bytes < shortestSecretBytes ? `key ${kid} has ${bytes * 8} bits of the 256 it needs` : undefined
  }
  return isPrivateKey(jwk) ? undefined : `key ${kid} holds no usable private key`
}

function isPrivateKey(jwk: KeySetEntry['jwk']): boolean {
  try {
    // Node declares JsonWebKey with an index signature; a JWK is the same object.
    createPrivateKey({ key: { ...jwk }, format: 'jwk' })
    return true
  } catch {
    return false
  }
}

function repeatedKid(keys: readonly KeySetEntry[]): string | undefined {
  const repeated = keys.find(({ kid }, index) => keys.findIndex((other) => other.kid === kid) !== index)
  return repeated === undefined ? undefined : `key id ${repeated.kid} is there twice`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
