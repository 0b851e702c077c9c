import { createHash, randomBytes } from 'node:crypto'
import type { UserKey } from '../users/user-key.ts'

/** Number of codes that a user gets. */
const recoveryCodeCount = 10

/** RFC 4648 section 6, in lower case: no 0, 1, 8 or 9, which look like letters. */
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
/** 120 bits, so that a fast hash is enough. OWASP ASVS 5 requires 112 for that (6.5.2). */
const characters = 24
const groupLength = 6

/** Ten codes, such as `k3vqzm-7twbxa-…`. @param random such as `randomBytes` */
export function newRecoveryCodes(random: (size: number) => Uint8Array = randomBytes): string[] {
  return Array.from({ length: recoveryCodeCount }, () => newRecoveryCode(random))
}

function newRecoveryCode(random: (size: number) => Uint8Array): string {
  // Each byte chooses one of 32 characters by its lowest five bits: uniform.
  const text = Array.from(random(characters), (byte) => alphabet[byte % alphabet.length]).join('')
  return (text.match(new RegExp(`.{${groupLength}}`, 'g')) ?? []).join('-')
}

/**
 * The form in which a code is stored. It differs for each user, so that equal hashes say nothing.
 * @param code as presented: case, white space and hyphens do not matter
 * @returns undefined for a text that cannot be a code
 */
export function recoveryCodeHash(userId: UserKey, code: string): string | undefined {
  const plain = code.toLowerCase().replaceAll(/[\s-]/g, '')
  if (plain.length !== characters || !/^[a-z2-7]+$/.test(plain)) return undefined
  return createHash('sha256').update(`${userId.toString()}:${plain}`).digest('base64url')
}
