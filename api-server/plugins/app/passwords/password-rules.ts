import { longestPasswordBytes } from '@authservice-operator/contract/limits.ts'
import { isCommonPassword } from './common-passwords.ts'

/** Twelve bytes are only three or four characters of some scripts. OWASP ASVS 5, 6.2.1. */
export const minPasswordCharacters = 8

/** Why a new password is refused, as problem codes: routes that accept one describe them all. */
export const passwordFaults = [
  'password_too_short',
  'password_too_long',
  'password_common',
  'password_unusable',
] as const
export type PasswordFault = (typeof passwordFaults)[number]

/** The form in which a password is hashed, the same for every keyboard: Unicode normalization form C. */
export function normalized(password: string): string {
  return password.normalize('NFC')
}

/** Values that a password must not be, because they are easy to guess for this user. */
export interface PasswordOwner {
  email?: string
  name?: string
}

export interface PasswordRules {
  minBytes: number
  /** Words of the organisation: a password that consists mostly of them is refused. */
  words: readonly string[]
}

/** What is wrong with a new password. There are no composition rules. NIST SP 800-63B-4 section 3.1.1.2. */
export function faultOf(
  password: string,
  { minBytes, words }: PasswordRules,
  owner: PasswordOwner = {},
): PasswordFault | undefined {
  const text = normalized(password)
  const bytes = Buffer.byteLength(text)
  if (!isUsable(text)) return 'password_unusable'
  if (bytes < minBytes || [...text].length < minPasswordCharacters) return 'password_too_short'
  if (bytes > longestPasswordBytes) return 'password_too_long'
  return isCommonPassword(text) || isOwn(text, owner) || isMadeOf(words, text) ? 'password_common' : undefined
}

/** What is wrong with the password of a login. Independent of the user, so that it reveals nothing about them. */
export function faultAtLogin(password: string): PasswordFault | undefined {
  const text = normalized(password)
  if (!isUsable(text)) return 'password_unusable'
  return Buffer.byteLength(text) > longestPasswordBytes ? 'password_too_long' : undefined
}

/**
 * In other programs, a zero byte ends the password for bcrypt, and lone surrogates all become the same replacement
 * character. Both would make different passwords equal.
 */
function isUsable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

function isOwn(text: string, { email = '', name = '' }: PasswordOwner): boolean {
  const own = [email, email.split('@')[0] ?? '', name].map((word) => normalized(word).toLowerCase())
  return own.includes(text.toLowerCase())
}

/** Without the words, digits and punctuation, it would be too short. */
function isMadeOf(words: readonly string[], text: string): boolean {
  const lower = text.toLowerCase()
  const rest = words.reduce((left, word) => left.replaceAll(normalized(word).toLowerCase(), ''), lower)
  return rest !== lower && [...rest.replace(/[^\p{L}\p{M}]/gu, '')].length < minPasswordCharacters
}

/**
 * The texts of the same password that may have been hashed: normalized, as by this server, and as typed, as by other
 * programs. Usually they are equal.
 */
export function spellingsOf(password: string): [string, ...string[]] {
  const text = normalized(password)
  return text === password ? [text] : [text, password]
}

/** The lowest cost of bcrypt. */
const minCost = 4
/** A hash of cost 17 takes six seconds, and one of cost 31 a day. A login to such an account would block all others. */
const maxCost = 16

/**
 * A hash that bcrypt can compare in acceptable time. `$2y$` is PHP's name for `$2b$`. `$2x$` is from a faulty bcrypt
 * and is not compared.
 */
export function comparableHash(hash: string): string | undefined {
  const cost = costOf(hash)
  const isComparable = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(hash) && cost >= minCost && cost <= maxCost
  return isComparable ? hash.replace(/^\$2y\$/, '$2b$') : undefined
}

/**
 * The `password_hash` of a user without a password: a bcrypt hash with the cost of real ones, of which all 184 bits are 0,
 * so that no password is known to match it. A check takes as long as that of a wrong password, also in other programs
 * and earlier versions. Decision 87.
 */
export function noPasswordHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`
}

/** Whether a password can match the hash. */
export function hasPassword(hash: string): boolean {
  return comparableHash(hash) !== undefined && !hash.endsWith('.'.repeat(53))
}

/** Whether a valid hash should be replaced: a lower cost, or an older variant of bcrypt. */
export function needsUpgrade(hash: string, cost: number): boolean {
  const [, variant] = /^\$(2[aby])\$/.exec(hash) ?? []
  return variant !== '2b' || costOf(hash) < cost
}

/**
 * The costs of additional hashes that bring the time of `hash` to that of one with the full cost: a hash of cost c
 * takes 2^c steps, and 2^c + 2^c + 2^(c+1) + … + 2^(full-1) = 2^full.
 */
export function missingCosts(hash: string, fullCost: number): number[] {
  const cost = costOf(hash)
  return Array.from({ length: Math.max(0, fullCost - cost) }, (_, index) => cost + index)
}

function costOf(hash: string): number {
  return Number(/^\$2[aby]\$(\d\d)\$/.exec(hash)?.[1] ?? 0)
}
