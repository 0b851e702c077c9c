import { createPrivateKey } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { parseFile, repeatedIn } from './parse-file.ts'
import { weaknessOf } from './secret-strength.ts'

/** A time as ISO 8601 in UTC. */
const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}([.]\\d+)?Z$' })
const Part = Type.Optional(Type.String())

const KeySetEntrySchema = Type.Object({
  /** RFC 7638 thumbprint for a key pair, random for HS256. */
  kid: Type.String({ minLength: 1, maxLength: 128 }),
  alg: Type.Enum(['HS256', 'ES256', 'EdDSA']),
  /** The private half (RFC 7517): `kty` EC, OKP or oct. */
  jwk: Type.Object({ kty: Type.String(), crv: Part, x: Part, y: Part, d: Part, k: Part }),
  createdAt: Instant,
  /** From this time on the key signs, until a later key becomes active. */
  activateAt: Instant,
  /** From this time on the key neither signs nor verifies, and is no longer published. */
  retireAt: Type.Optional(Instant),
})

const KeySetFileSchema = Type.Object({
  version: Type.Literal(1),
  keys: Type.Array(KeySetEntrySchema, { minItems: 1 }),
})

/** One signing key. Times are ISO 8601 in UTC. */
export type KeySetEntry = Static<typeof KeySetEntrySchema>

/** The file that `JWT_KEYS_FILE` names. The operator writes it, and the server reads it. */
export type KeySetFile = Static<typeof KeySetFileSchema>

/** Signature algorithms of access tokens. RFC 7518 section 3.1, RFC 8037. */
export type SigningAlgorithm = KeySetEntry['alg']

/** `problem` continues "the keys cannot be used: ". It never contains a part of a key. */
export type ParsedKeySet = { kind: 'valid'; keySet: KeySetFile } | { kind: 'corrupt'; problem: string }

/** Parses a key set file, and checks that each of its keys can sign. */
export function parseKeySet(text: string): ParsedKeySet {
  const parsed = parseFile(text, KeySetFileSchema, 'a key set {"version": 1, "keys": […]}')
  if (parsed.kind === 'corrupt') return parsed
  const { content: keySet } = parsed
  const problem = repeatedKid(keySet.keys) ?? keySet.keys.map(problemOf).find((one) => one !== undefined)
  return problem === undefined ? { kind: 'valid', keySet } : { kind: 'corrupt', problem }
}

function repeatedKid(keys: readonly KeySetEntry[]): string | undefined {
  const [repeated] = repeatedIn(keys.map(({ kid }) => kid))
  return repeated === undefined ? undefined : `key ID ${repeated} appears twice`
}

/** The `kty` and `crv` of the key of each algorithm. RFC 7518 section 6, RFC 8037 section 2. */
const keyTypes = {
  HS256: { kty: 'oct', crv: undefined },
  ES256: { kty: 'EC', crv: 'P-256' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
} as const

function problemOf({ kid, alg, jwk, createdAt, activateAt, retireAt }: KeySetEntry): string | undefined {
  const dates = [createdAt, activateAt, ...(retireAt === undefined ? [] : [retireAt])]
  if (dates.some((date) => Number.isNaN(Date.parse(date)))) return `key ${kid} has a date that does not exist`
  if (retireAt !== undefined && Date.parse(retireAt) <= Date.parse(activateAt)) {
    return `key ${kid} retires before it is active`
  }
  const { kty, crv } = keyTypes[alg]
  if (jwk.kty !== kty || (crv !== undefined && jwk.crv !== crv)) {
    return `key ${kid} is for ${alg}, but its kty is ${jwk.kty}${jwk.crv === undefined ? '' : `, its crv ${jwk.crv}`}`
  }
  if (alg === 'HS256') {
    const weakness = weaknessOf(Buffer.from(jwk.k ?? '', 'base64url'))
    return weakness === undefined ? undefined : `key ${kid} ${weakness}`
  }
  const code = privateKeyFailure(jwk)
  return code === undefined ? undefined : `key ${kid} contains no usable private key (${code})`
}

/** The error code of Node; undefined if the key is usable. */
function privateKeyFailure(jwk: KeySetEntry['jwk']): string | undefined {
  try {
    // Node declares JsonWebKey with an index signature, which the copy of a JWK has.
    createPrivateKey({ key: { ...jwk }, format: 'jwk' })
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}

/** The key that signs at `now`: the last activated one among those that are active and not retired. */
export function signingKeyAt<Key extends Pick<KeySetEntry, 'activateAt' | 'retireAt'>>(
  keys: readonly Key[],
  now: Date,
): Key | undefined {
  return keys
    .filter((key) => Date.parse(key.activateAt) <= now.getTime() && !isRetired(key, now))
    .reduce<Key | undefined>(
      (latest, key) =>
        latest === undefined || Date.parse(key.activateAt) > Date.parse(latest.activateAt) ? key : latest,
      undefined,
    )
}

/** Whether the key no longer signs or verifies. Future keys are published, so that caches contain them in time. */
export function isRetired({ retireAt }: Pick<KeySetEntry, 'retireAt'>, now: Date): boolean {
  return retireAt !== undefined && Date.parse(retireAt) <= now.getTime()
}
