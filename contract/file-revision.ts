import { createHash } from 'node:crypto'

/**
 * Identifies the content of a mounted file: SHA-256 in hex. A server reports the revision that it has loaded, and the
 * operator compares it with the file that it has written.
 */
export function fileRevision(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
