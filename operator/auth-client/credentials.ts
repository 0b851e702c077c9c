import { createHash } from 'node:crypto'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { earliest, later } from '../authservice/secrets/key-order.ts'

/** Keys of the Secret. */
export const credentialKeys = {
  id: 'client_id',
  secret: 'client_secret',
  issuer: 'issuer',
  /** The next secret, until every server accepts it. */
  next: 'next_client_secret',
} as const

/** The progress of rotations, which the Secret stores with the secrets that it is about. */
const RecordSchema = Type.Object({
  /** When the current secret was created. */
  createdAt: Type.String(),
  /** Hash of the previous secret, which servers accept until then. */
  previous: Type.Optional(Type.Object({ hash: Type.String(), until: Type.String() })),
  /** Value of the last `rotate-secret`: written together with its effect, so that no value is acted upon twice. */
  rotatedBy: Type.Optional(Type.String()),
})
type RotationRecord = Static<typeof RecordSchema>

/** What the Secret of a client contains. */
export interface Credentials {
  secret: string
  next?: string
  record: RotationRecord
}

export interface CredentialsPolicy {
  /** undefined: only on request. */
  rotationIntervalSeconds: number | undefined
  overlapSeconds: number
  /** Value of the annotation that requests a rotation. */
  requested: string | undefined
  /** Whether every server accepts the next secret. */
  isNextLoaded: boolean
}

export interface CredentialsDecision {
  credentials: Credentials
  /** Hashes of the secrets that servers must accept: one, or two during a rotation. */
  hashes: string[]
  /** Why the Secret changes; undefined: it stays. */
  why: string | undefined
  nextRotationAt: Date | undefined
  /** When time alone changes this decision. */
  nextChangeAt: Date | undefined
}

/**
 * Decides the secret of a client. A rotation has three steps, so that the application never has a secret that a server
 * does not know: servers get the hash of the next secret; the application gets the secret; servers forget the previous
 * one after the overlap. A second rotation within the overlap ends it, because servers accept two secrets.
 *
 * @param existing undefined if there is no usable secret
 */
export function decideCredentials(
  existing: Credentials | undefined,
  policy: CredentialsPolicy,
  now: Date,
  newSecret: () => string,
): CredentialsDecision {
  const { requested } = policy
  if (existing === undefined) {
    const record = { createdAt: now.toISOString(), ...(requested !== undefined && { rotatedBy: requested }) }
    return decided({ secret: newSecret(), record }, 'the first secret', policy, now)
  }
  const { secret, next, record } = existing
  if (next !== undefined) {
    if (!policy.isNextLoaded) return decided(existing, undefined, policy, now)
    const previous = { hash: hashOf(secret), until: later(now, policy.overlapSeconds).toISOString() }
    const switched = { secret: next, record: { ...record, createdAt: now.toISOString(), previous } }
    return decided(switched, 'the next secret, which every server accepts', policy, now)
  }
  const isRequested = requested !== undefined && requested !== record.rotatedBy
  if (isRequested || isDue(record, policy, now)) {
    const { previous: _, ...kept } = record
    const announced = { ...kept, ...(requested !== undefined && { rotatedBy: requested }) }
    const why = isRequested ? 'a rotation was requested' : 'the secret reached its maximum age'
    return decided({ secret, next: newSecret(), record: announced }, why, policy, now)
  }
  if (record.previous !== undefined && now >= new Date(record.previous.until)) {
    const { previous: _, ...kept } = record
    return decided({ secret, record: kept }, 'servers no longer accept the previous secret', policy, now)
  }
  return decided(existing, undefined, policy, now)
}

function decided(
  credentials: Credentials,
  why: string | undefined,
  policy: CredentialsPolicy,
  now: Date,
): CredentialsDecision {
  const { next, record } = credentials
  const nextRotationAt = next === undefined ? rotationAt(record, policy) : undefined
  const dates = [nextRotationAt, record.previous && new Date(record.previous.until)]
  const [first, ...others] = dates.flatMap((date) => (date !== undefined && date > now ? [date] : []))
  return {
    credentials,
    hashes: acceptedHashes(credentials),
    why,
    nextRotationAt,
    nextChangeAt: first === undefined ? undefined : earliest(first, ...others),
  }
}

/** Hashes of the secrets that servers must accept: one, or two during a rotation. */
export function acceptedHashes({ secret, next, record }: Credentials): string[] {
  return [
    hashOf(secret),
    ...(next === undefined ? [] : [hashOf(next)]),
    ...(record.previous === undefined ? [] : [record.previous.hash]),
  ].slice(0, 2)
}

function isDue(record: RotationRecord, policy: CredentialsPolicy, now: Date): boolean {
  const due = rotationAt(record, policy)
  return due !== undefined && now >= due
}

function rotationAt({ createdAt }: RotationRecord, { rotationIntervalSeconds }: CredentialsPolicy): Date | undefined {
  return rotationIntervalSeconds === undefined ? undefined : later(new Date(createdAt), rotationIntervalSeconds)
}

/** SHA-256 in hex, as servers compare it. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** 256 random bits in base64url. */
const secretPattern = /^[A-Za-z0-9_-]{43}$/

/**
 * The credentials in a Secret; undefined if it has no secret of the operator's form, which is then replaced: servers
 * must not accept a secret that somebody can guess.
 *
 * @param record the stored progress of rotations
 * @param createdAt when the Secret was created, for a record that was edited
 */
export function parseCredentials(
  data: Readonly<Record<string, string>>,
  record: string | undefined,
  createdAt: string,
): Credentials | undefined {
  const secret = data[credentialKeys.secret]
  if (secret === undefined || !secretPattern.test(secret)) return undefined
  const next = data[credentialKeys.next]
  return {
    secret,
    ...(next !== undefined && secretPattern.test(next) && { next }),
    record: parseRecord(record) ?? { createdAt },
  }
}

/** undefined: it was edited, and the age of the secret is unknown. */
function parseRecord(text = ''): RotationRecord | undefined {
  try {
    const record: unknown = JSON.parse(text)
    if (!Value.Check(RecordSchema, record)) return undefined
    const dates = [record.createdAt, ...(record.previous === undefined ? [] : [record.previous.until])]
    const isHash = record.previous === undefined || /^[0-9a-f]{64}$/.test(record.previous.hash)
    return isHash && dates.every((date) => !Number.isNaN(Date.parse(date))) ? record : undefined
  } catch {
    return undefined
  }
}
