import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { newOpaqueToken } from '../opaque-token.ts'

/**
 * The id of the session and 256 random bits, as text. The id finds the session by its key. It is not secret, and
 * reveals nothing else.
 */
export function newRefreshToken(sessionId: string): string {
  return `${sessionId}.${newOpaqueToken()}`
}

/** The session of a refresh token; undefined for a text that is not a refresh token of this server. */
export function sessionIdOf(token: string): string | undefined {
  return /^([0-9a-f-]{36})\.[\w-]{43}$/.exec(token)?.[1]
}

/**
 * Encrypts the successor of a refresh token with the token itself, so that only the holder of the parent can read it,
 * and the database, which has only hashes, cannot. AES-256-GCM with a key that is used once. Decision 0011.
 */
export function seal(successor: string, parent: string): string {
  const cipher = createCipheriv('aes-256-gcm', sealKey(parent), Buffer.alloc(12))
  const sealed = Buffer.concat([cipher.update(successor, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return sealed.toString('base64url')
}

/** @throws when `parent` is not the token that encrypted it */
export function unseal(sealed: string, parent: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', sealKey(parent), Buffer.alloc(12), { authTagLength: 16 })
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8')
}

/** Not the stored hash, which every reader of the database knows. */
function sealKey(parent: string): Buffer {
  return createHash('sha256').update('successor').update(parent).digest()
}
