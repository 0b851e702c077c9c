import { Decimal128, type Document, Long, ObjectId } from 'mongodb'
import { keyOf, type UserKey } from './user-key.ts'

/** A user's document. Other programs also read and write it, so no field is ever added. */
export interface UserDocument {
  _id: ObjectId
  email: string
  password_hash: string
  name: string
  role: 'admin' | 'user'
  is_active: boolean
  created_at: Date
  updated_at: Date
  last_login: Date
}

/** A user in the API. */
export interface PublicUser {
  id: string
  email: string
  name: string
  role: 'admin' | 'user'
  created_at: string | null
  last_login: string | null
}

/** A user as read from a document, whatever another program has written there. */
export interface StoredUser {
  _id: UserKey
  /** As stored; empty if it is not text. */
  email: string
  /** Empty if it is not text: no password matches it. */
  password_hash: string
  /** Empty if it is not text. */
  name: string
  role: UserDocument['role']
  is_active: boolean
  /** null if it is not a readable time. */
  created_at: Date | null
  updated_at: Date | null
  last_login: Date | null
}

const fields = ['email', 'password_hash', 'name', 'role', 'is_active', 'created_at', 'updated_at', 'last_login']
/** A field of another program may have megabytes, and a list has 200 users. */
const maxFieldBytes = 4_096

/** The nine fields. One that is too large is null, as if its value were unusable. */
export const userProjection: Document = Object.fromEntries(
  fields.map((field) => [
    field,
    { $cond: [{ $gt: [{ $bsonSize: { value: `$${field}` } }, maxFieldBytes] }, null, `$${field}`] },
  ]),
)

/** @param document of any shape. Never fails: an unusable field gets the value with the fewest rights */
export function readUser(document: Document): StoredUser {
  const { _id, email, password_hash, name, role, is_active, created_at, updated_at, last_login } = document
  return {
    _id: keyOf(_id),
    email: textOf(email),
    password_hash: textOf(password_hash),
    name: textOf(name),
    // Only one value gives rights.
    role: role === 'admin' ? 'admin' : 'user',
    is_active: saysActive(is_active),
    created_at: timeOf(created_at) ?? (_id instanceof ObjectId ? _id.getTimestamp() : null),
    updated_at: timeOf(updated_at),
    last_login: timeOf(last_login),
  }
}

/**
 * A user without the field was created before it existed. Programs that write 0 or "false" for no write 1 or "true" for
 * yes. Everything else, including null, is no. Decision 0026.
 */
export function saysActive(value: unknown): boolean {
  const plain = plainNumber(value)
  return plain === undefined || plain === true || plain === 1 || plain === 'true'
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Numbers up to this are seconds since 1970, larger ones milliseconds: it is the year 5138, or 1973. */
const maxSeconds = 100_000_000_000

/** A time as programs write it: a date, an ISO 8601 text, or a number. */
export function timeOf(value: unknown): Date | null {
  const plain = plainNumber(value)
  if (typeof plain === 'number') return validTime(Math.abs(plain) <= maxSeconds ? plain * 1000 : plain)
  if (typeof plain === 'string') return /^\d{4}-\d\d/.test(plain) ? validTime(Date.parse(plain)) : null
  return plain instanceof Date ? validTime(plain.getTime()) : null
}

/** The driver returns numbers that JavaScript cannot represent as objects. */
function plainNumber(value: unknown): unknown {
  return value instanceof Long || value instanceof Decimal128 ? Number(value.toString()) : value
}

/** RFC 3339 allows four digits for the year. */
function validTime(milliseconds: number): Date | null {
  const time = new Date(milliseconds)
  const year = time.getUTCFullYear()
  return year >= 0 && year <= 9_999 ? time : null
}

export function publicUser(user: StoredUser): PublicUser {
  return {
    id: user._id.toString(),
    email: user.email,
    name: user.name,
    role: user.role,
    created_at: user.created_at?.toISOString() ?? null,
    last_login: user.last_login?.toISOString() ?? null,
  }
}

export function roleOf(user: StoredUser): UserDocument['role'] {
  return user.role
}

export function isActive(user: StoredUser): boolean {
  return user.is_active
}
