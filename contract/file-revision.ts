import { createHash } from 'node:crypto'

/**
 * Identifies the content of a mounted file: SHA-256 in hex. Servers and edge pods report the revision that they have
 * loaded, and the operator compares it with the file that it has written.
 */
export function fileRevision(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
