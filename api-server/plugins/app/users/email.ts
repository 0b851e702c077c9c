import { domainToASCII, domainToUnicode } from 'node:url'
import { problem } from '../problems/problem.ts'

declare const isCanonical: unique symbol
/**
 * An email in its canonical form. Storage, the unique index, limits, locks, hashes in logs and searches use no other.
 */
export type CanonicalEmail = string & { readonly [isCanonical]: true }

/**
 * Invisible characters and characters that change the text direction: control, format, ignorable and bidirectional
 * characters, lone surrogates, private-use and unassigned characters. The database collation ignores most of them.
 * @see https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u
const everyInvisible = new RegExp(invisible.source, 'gu')

/**
 * The canonical form of an email: without surrounding white space, in Unicode normalization form KC, in lower case, and
 * with the domain in Unicode instead of Punycode. Two texts with the same form are one identity. It checks nothing
 * else, so that all existing users can log in.
 *
 * @returns undefined for a text with invisible characters
 */
export function canonicalEmail(text: string): CanonicalEmail | undefined {
  const trimmed = text.trim()
  if (invisible.test(trimmed)) return undefined
  const folded = withUnicodeDomain(fold(trimmed))
  // The only place that creates the type.
  return invisible.test(folded) ? undefined : (folded as CanonicalEmail)
}

/** The form of an email in a document. Invisible characters that another program wrote are ignored. */
export function canonicalStoredEmail(text: string): CanonicalEmail | undefined {
  return canonicalEmail(text.replace(everyInvisible, ''))
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').trim()
}

const punycode = /^xn--|\.xn--/

/** `xn--bcher-kva.example` and `bücher.example` are one domain. RFC 5890 section 2.3.2.1. */
function withUnicodeDomain(email: string): string {
  const at = email.lastIndexOf('@') + 1
  const domain = email.slice(at)
  if (at === 0 || !punycode.test(domain)) return email
  const unicode = fold(domainToUnicode(domain))
  const isSame = !invisible.test(unicode) && domainToASCII(unicode) === domain
  return isSame ? email.slice(0, at) + unicode : email
}

/**
 * The texts that a document may contain for one canonical form, except those that the collation of the index treats as
 * equal.
 */
export function spellingsOf(email: CanonicalEmail): [string, ...string[]] {
  const at = email.lastIndexOf('@') + 1
  const other = email.slice(0, at) + domainToASCII(email.slice(at))
  return other !== email && canonicalEmail(other) === email ? [email, other] : [email]
}

const maxBytes = 254
const maxLocalBytes = 64
const maxLabelBytes = 63
/**
 * Letters and digits of any script, and the special characters of `atext`. RFC 5322 section 3.2.3, RFC 6532 section
 * 3.2.
 */
const localPart = /^[\p{L}\p{M}\p{N}!#$%&'*+\-/=?^_`{|}~.]+$/u
const label = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?$/u

/**
 * Whether a mail server treats it as the address of exactly one mailbox: without quotes, comments, angle brackets and
 * routes. RFC 5321 section 4.1.2 without quoted strings; dots may be anywhere, as some providers allow.
 */
export function isMailbox(email: string): boolean {
  const at = email.lastIndexOf('@')
  const [local, domain] = [email.slice(0, Math.max(at, 0)), email.slice(at + 1)]
  const labels = domain.split('.')
  const ascii = domainToASCII(domain)
  return (
    localPart.test(local) &&
    Buffer.byteLength(local) <= maxLocalBytes &&
    Buffer.byteLength(email) <= maxBytes &&
    labels.every((each) => label.test(each)) &&
    ascii !== '' &&
    ascii.length < maxBytes &&
    ascii.split('.').every((each) => each.length <= maxLabelBytes)
  )
}

/** The form of an email with which a request looks up an account. @throws Problem 400 `validation_failed` */
export function parseEmail(text: string, pointer = '/email'): CanonicalEmail {
  const email = canonicalEmail(text)
  if (email === undefined || email === '') throw refusal(pointer, 'contains invisible characters, or is empty')
  return email
}

/** At least two labels, and not an IP address. */
const publicDomain = /\.[^.@]*[^\p{N}.@][^.@]*$/u

/** The canonical form of a new email. @throws Problem 400 `validation_failed` */
export function parseNewEmail(text: string): CanonicalEmail {
  const email = newEmailOf(parseEmail(text))
  if (email === undefined) throw refusal('/email', 'is not the address of one mailbox, such as user@example.com')
  return email
}

/** The same. @returns undefined for a text that no new account may have as its email */
export function newEmailOf(text: string): CanonicalEmail | undefined {
  const email = canonicalEmail(text)
  return email !== undefined && isMailbox(email) && publicDomain.test(email) ? email : undefined
}

function refusal(pointer: string, detail: string) {
  return problem(400, 'validation_failed', 'The request is invalid: see errors.', {
    extensions: { errors: [{ pointer, detail }] },
  })
}
