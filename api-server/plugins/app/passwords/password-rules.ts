import { isCommonPassword } from './common-passwords.ts'

/** bcrypt reads no further, without saying so. */
export const mostPasswordBytes = 72

/** Twelve bytes are only three or four characters of some scripts. OWASP ASVS 5, 6.2.1. */
export const leastPasswordCharacters = 8

export type PasswordFault = 'password_too_short' | 'password_too_long' | 'password_common' | 'password_unusable'

/** The form in which a password is hashed: the same for every keyboard. Unicode Normalization Form C. */
export function normalized(password: string): string {
  return password.normalize('NFC')
}

/** What a password must not be, because it is guessed first for this user. */
export interface PasswordOwner {
  email?: string
  name?: string
}

export interface PasswordRules {
  leastBytes: number
  /** Of the organisation: a password with little beside them is refused. */
  words: readonly string[]
}

/** What is wrong with a new password; no rules of composition. NIST SP 800-63B-4 section 3.1.1.2. */
export function faultOf(
  password: string,
  { leastBytes, words }: PasswordRules,
  owner: PasswordOwner = {},
): PasswordFault | undefined {
  const text = normalized(password)
  const bytes = Buffer.byteLength(text)
  if (!isUsable(text)) return 'password_unusable'
  if (bytes < leastBytes || [...text].length < leastPasswordCharacters) return 'password_too_short'
  if (bytes > mostPasswordBytes) return 'password_too_long'
  return isCommonPassword(text) || isOwn(text, owner) || isMadeOf(words, text) ? 'password_common' : undefined
}

/** What is wrong with a password that somebody logs in with: whatever the user, so that it says nothing about them. */
export function faultAtLogin(password: string): PasswordFault | undefined {
  const text = normalized(password)
  if (!isUsable(text)) return 'password_unusable'
  return Buffer.byteLength(text) > mostPasswordBytes ? 'password_too_long' : undefined
}

/**
 * A zero byte ends the password for bcrypt in other programs, and halves of a surrogate pair all become the same
 * replacement character: both would make different passwords equal.
 */
function isUsable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

function isOwn(text: string, { email = '', name = '' }: PasswordOwner): boolean {
  const own = [email, email.split('@')[0] ?? '', name].map((word) => normalized(word).toLowerCase())
  return own.includes(text.toLowerCase())
}

/** Without the words, and the digits and signs that people put around them, it would be too short. */
function isMadeOf(words: readonly string[], text: string): boolean {
  const lower = text.toLowerCase()
  const rest = words.reduce((left, word) => left.replaceAll(normalized(word).toLowerCase(), ''), lower)
  return rest !== lower && [...rest.replace(/[^\p{L}\p{M}]/gu, '')].length < leastPasswordCharacters
}

/**
 * The ways in which the same password may have been hashed: normalized, as this server does it, and as it was typed,
 * as other programs do. Mostly they are the same.
 */
export function spellingsOf(password: string): [string, ...string[]] {
  const text = normalized(password)
  return text === password ? [text] : [text, password]
}

/** A hash that bcrypt can compare. `$2y$` is what PHP calls `$2b$`. */
export function comparableHash(hash: string): string | undefined {
  return /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(hash) ? hash.replace(/^\$2y\$/, '$2b$') : undefined
}

/** Whether a hash that still works should be replaced: a lower cost, or an older variant of bcrypt. */
export function needsUpgrade(hash: string, cost: number): boolean {
  const [, variant] = /^\$(2[aby])\$/.exec(hash) ?? []
  return variant !== '2b' || costOf(hash) < cost
}

/**
 * The costs of the hashes that take as long as what is missing from `hash` to one of the full cost: a hash of cost c
 * takes 2^c steps, and 2^c + 2^c + 2^(c+1) + … + 2^(full-1) = 2^full.
 */
export function missingCosts(hash: string, fullCost: number): number[] {
  const cost = costOf(hash)
  return Array.from({ length: Math.max(0, fullCost - cost) }, (_, index) => cost + index)
}

function costOf(hash: string): number {
  return Number(/^\$2[aby]\$(\d\d)\$/.exec(hash)?.[1] ?? 0)
}
