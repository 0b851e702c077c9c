import Type, { type Static } from 'typebox'
import { parseFile, repeatedIn } from './parse-file.ts'

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
  const parsed = parseFile(text, MfaKeySetSchema, 'a key set {"version": 1, "keys": […]}')
  if (parsed.kind === 'corrupt') return parsed
  const { content: keySet } = parsed
  const [repeated] = repeatedIn(keySet.keys.map(({ kid }) => kid))
  if (repeated !== undefined) return { kind: 'corrupt', problem: `key ID ${repeated} appears twice` }
  const undated = keySet.keys.find((key) => Number.isNaN(Date.parse(key.activateAt)))
  if (undated !== undefined) return { kind: 'corrupt', problem: `key ${undated.kid} has a date that does not exist` }
  return { kind: 'valid', keySet }
}
