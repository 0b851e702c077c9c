import Type, { type Static } from 'typebox'
import Value from 'typebox/value'

/** A time as ISO 8601 in UTC. */
const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}([.]\\d+)?Z$' })

const MfaKeySchema = Type.Object({
  /** Stored with everything that the key encrypts. */
  kid: Type.String({ minLength: 1, maxLength: 128 }),
  /** The 256 bits of an AES key, in base64url. */
  key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  createdAt: Instant,
  /** From then on the key encrypts, until a later key becomes active. Every key of the file decrypts. */
  activateAt: Instant,
})

const MfaKeySetSchema = Type.Object({ version: Type.Literal(1), keys: Type.Array(MfaKeySchema, { minItems: 1 }) })

/** A key that encrypts secrets of second factors. */
export type MfaKey = Static<typeof MfaKeySchema>

/** The file that `MFA_KEYS_FILE` names, which the operator writes and the server reads. */
type MfaKeySet = Static<typeof MfaKeySetSchema>

/** `problem` continues "the keys cannot be used: ". It never contains a part of a key. */
export type ParsedMfaKeySet = { kind: 'valid'; keySet: MfaKeySet } | { kind: 'corrupt'; problem: string }

export function parseMfaKeySet(text: string): ParsedMfaKeySet {
  const json = parseJson(text)
  if (json === undefined) return { kind: 'corrupt', problem: 'it is not JSON' }
  if (!Value.Check(MfaKeySetSchema, json)) {
    const places = Value.Errors(MfaKeySetSchema, json).map(({ instancePath }) => instancePath || 'the whole')
    const problem = `it is not a key set {"version": 1, "keys": […]}: see ${[...new Set(places)].join(', ')}`
    return { kind: 'corrupt', problem }
  }
  const kids = json.keys.map(({ kid }) => kid)
  const repeated = kids.find((kid, index) => kids.indexOf(kid) !== index)
  if (repeated !== undefined) return { kind: 'corrupt', problem: `key ID ${repeated} appears twice` }
  const undated = json.keys.find((key) => Number.isNaN(Date.parse(key.activateAt)))
  if (undated !== undefined) return { kind: 'corrupt', problem: `key ${undated.kid} has a date that does not exist` }
  return { kind: 'valid', keySet: json }
}

/** The message of the parser's error would quote the text, which has keys in it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
