import { type Document, ObjectId } from 'mongodb'
import { emailCollation } from '../../../migrations/email-collation.ts'
import { comparableHash } from '../passwords/password-rules.ts'
import { canonicalEmail, canonicalStoredEmail, isMailbox, spellingsOf } from './email.ts'
import { saysActive, timeOf } from './user.ts'
import { idOf, keyOf } from './user-key.ts'

/** Irregularities of a user's document, and what they mean for the user. */
export const anomalies = {
  id_type: '_id is not an ObjectId: tokens and the admin API identify the user by ~ and its Extended JSON',
  id_unusable: '_id is too long: the user cannot log in',
  email_type: 'email is missing, too long or not text: the user cannot log in',
  email_unreachable: 'email contains white space or characters that a login never sends: the user cannot log in',
  email_invisible: 'email contains invisible characters: it is found without them',
  email_not_a_mailbox: 'email is not the address of one mailbox: it gets no mail',
  password_hash: 'password_hash is not a usable bcrypt hash: no password matches until it is reset',
  role: 'role is neither "admin" nor "user": read as "user"',
  is_active_yes: 'is_active is neither true nor false: read as active',
  is_active_no: 'is_active is neither true nor false: read as inactive, and the user cannot log in',
  name: 'name is not text, or too long: read as empty',
  time_type: 'created_at, updated_at or last_login is not a date: read as the time that it represents',
  time_unreadable: 'created_at, updated_at or last_login is not a readable time',
} as const

export type Anomaly = keyof typeof anomalies

/** The collation of the index, in this process. */
const { compare } = new Intl.Collator(emailCollation.locale, { sensitivity: 'accent' })

/** Irregularities of a document, read with `userProjection`. */
export function anomaliesOf(document: Document): Anomaly[] {
  const { _id, email, password_hash, name, role, is_active } = document
  const times = [document['created_at'], document['updated_at'], document['last_login']].filter(isThere)
  const found: (Anomaly | false)[] = [
    idOf(keyOf(_id)) === undefined ? 'id_unusable' : !(_id instanceof ObjectId) && 'id_type',
    ...emailAnomalies(email),
    (typeof password_hash !== 'string' || comparableHash(password_hash) === undefined) && 'password_hash',
    isThere(role) && role !== 'admin' && role !== 'user' && 'role',
    isThere(is_active) && typeof is_active !== 'boolean' && (saysActive(is_active) ? 'is_active_yes' : 'is_active_no'),
    isThere(name) && typeof name !== 'string' && 'name',
    times.some((time) => timeOf(time) === null)
      ? 'time_unreadable'
      : times.some((time) => !(time instanceof Date)) && 'time_type',
  ]
  return found.filter((oddity) => oddity !== false)
}

function isThere(value: unknown): boolean {
  return value !== undefined
}

function emailAnomalies(email: unknown): Anomaly[] {
  if (typeof email !== 'string') return ['email_type']
  const canonical = canonicalStoredEmail(email)
  const isFound =
    canonical !== undefined && canonical !== '' && spellingsOf(canonical).some((each) => compare(each, email) === 0)
  if (!isFound) return ['email_unreachable']
  // A text with invisible characters has no canonical form.
  if (canonicalEmail(email) === undefined) return ['email_invisible']
  return isMailbox(email) ? [] : ['email_not_a_mailbox']
}
