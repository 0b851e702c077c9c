import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/**
 * 256 random bits behind the id of their session, as text. The id finds the session by its key, and is no secret; it
 * says nothing else to whoever holds the token.
 */
export function newRefreshToken(sessionId: string): string {
  return `${sessionId}.${randomBytes(32).toString('base64url')}`
}

/** The session that a token names; undefined for what is no refresh token of ours. */
export function sessionIdOf(token: string): string | undefined {
  return /^([0-9a-f-]{36})\.[\w-]{43}$/.exec(token)?.[1]
}

/** The only form in which a refresh token is stored. Of 256 random bits no slower hash is needed. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/**
 * Encrypts the successor of a refresh token with the token itself, so that only who holds the parent can read it: the
 * database, which knows hashes only, cannot. AES-256-GCM with a key that is used once. Decision 0011.
 */
export function seal(successor: string, parent: string): string {
  const cipher = createCipheriv('aes-256-gcm', sealKey(parent), Buffer.alloc(12))
  const sealed = Buffer.concat([cipher.update(successor, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return sealed.toString('base64url')
}

/** @throws when `parent` is not the token that it was sealed with */
export function unseal(sealed: string, parent: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', sealKey(parent), Buffer.alloc(12), { authTagLength: 16 })
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8')
}

/** Not the hash that is stored: that one everybody with the database knows. */
function sealKey(parent: string): Buffer {
  return createHash('sha256').update('successor').update(parent).digest()
}
