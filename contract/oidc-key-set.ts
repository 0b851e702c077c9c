import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { parseFile, repeatedIn } from './parse-file.ts'

/** A time as ISO 8601 in UTC. */
const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}([.]\\d+)?Z$' })
const Part = Type.String({ pattern: '^[A-Za-z0-9_-]+$' })

const OidcKeySchema = Type.Object({
  /** RFC 7638 thumbprint. */
  kid: Type.String({ minLength: 1, maxLength: 128 }),
  /** RS256 is what every client must understand. OpenID Connect Core section 15.1. */
  alg: Type.Literal('RS256'),
  /** The private key, RFC 7517. */
  jwk: Type.Object({
    kty: Type.Literal('RSA'),
    n: Part,
    e: Part,
    d: Part,
    p: Part,
    q: Part,
    dp: Part,
    dq: Part,
    qi: Part,
  }),
  createdAt: Instant,
  /** From this time on the key signs, until a later key becomes active. */
  activateAt: Instant,
  /** From this time on the key neither signs nor verifies, and is no longer published. */
  retireAt: Type.Optional(Instant),
})

const OidcKeySetSchema = Type.Object({ version: Type.Literal(1), keys: Type.Array(OidcKeySchema, { minItems: 1 }) })

/** A key that signs ID tokens. */
export type OidcKey = Static<typeof OidcKeySchema>

/** `problem` continues "the keys cannot be used: ". It never contains a part of a key. */
export type ParsedOidcKeySet = { kind: 'valid'; keys: OidcKey[] } | { kind: 'corrupt'; problem: string }

/** RFC 7518 section 3.3. */
const minModulusBits = 2_048

/** Parses the file that `OIDC_KEYS_FILE` names, and checks that each of its keys can sign. */
export function parseOidcKeySet(text: string): ParsedOidcKeySet {
  const parsed = parseFile(text, OidcKeySetSchema, 'a set of RS256 keys {"version": 1, "keys": […]}')
  if (parsed.kind === 'corrupt') return parsed
  const { keys } = parsed.content
  const [repeated] = repeatedIn(keys.map(({ kid }) => kid))
  const problem =
    repeated !== undefined ? `key ID ${repeated} appears twice` : keys.map(problemOf).find((one) => one !== undefined)
  return problem === undefined ? { kind: 'valid', keys } : { kind: 'corrupt', problem }
}

function problemOf({ kid, jwk, createdAt, activateAt, retireAt }: OidcKey): string | undefined {
  const dates = [createdAt, activateAt, ...(retireAt === undefined ? [] : [retireAt])]
  if (dates.some((date) => Number.isNaN(Date.parse(date)))) return `key ${kid} has a date that does not exist`
  if (retireAt !== undefined && Date.parse(retireAt) <= Date.parse(activateAt)) {
    return `key ${kid} retires before it is active`
  }
  const bits = usableBits(jwk)
  if (bits === undefined) return `key ${kid} contains no usable private key`
  return bits < minModulusBits ? `key ${kid} has ${bits} bits; expected at least ${minModulusBits}` : undefined
}

/** The length of a key whose parts belong together; undefined if they do not. The error of Node could quote them. */
function usableBits(jwk: OidcKey['jwk']): number | undefined {
  try {
    const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' })
    const probe = Buffer.from('probe')
    const isUsable = verify('sha256', probe, createPublicKey(key), sign('sha256', probe, key))
    return isUsable ? key.asymmetricKeyDetails?.modulusLength : undefined
  } catch {
    return undefined
  }
}
