import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits as text: a secret that one client has, and of which the database stores the hash only. */
export function newOpaqueToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Tokens that are good only for enrolling a second factor begin with it, so that other routes can say so. */
export const enrolmentTokenPrefix = 'enrolment_'

/** The only form in which such a secret is stored. 256 random bits need no slower hash. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
