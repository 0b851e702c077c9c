import { commonPasswords } from './common-passwords.ts'

/** bcrypt reads no further, without saying so. */
export const mostPasswordBytes = 72

export type PasswordFault = 'password_too_short' | 'password_too_long' | 'password_common'

/** The form in which a password is hashed: the same for every keyboard. Unicode Normalization Form C. */
export function normalized(password: string): string {
  return password.normalize('NFC')
}

/** What is wrong with a new password; no rules of composition. NIST SP 800-63B section 3.1.1. */
export function faultOf(password: string, leastBytes: number): PasswordFault | undefined {
  const bytes = Buffer.byteLength(normalized(password))
  if (bytes < leastBytes) return 'password_too_short'
  if (bytes > mostPasswordBytes) return 'password_too_long'
  return commonPasswords.has(password.toLowerCase()) ? 'password_common' : undefined
}

/** Whether a hash that still works should be replaced: a lower cost, or an older variant of bcrypt. */
export function needsUpgrade(hash: string, cost: number): boolean {
  const [, variant, hashCost] = /^\$(2[aby])\$(\d\d)\$/.exec(hash) ?? []
  return variant !== '2b' || Number(hashCost) < cost
}
