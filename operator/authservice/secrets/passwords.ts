import { randomBytes } from 'node:crypto'
import type { SecretData } from './secret-data.ts'

/** Bytes from a source of randomness. */
export type Random = (bytes: number) => Buffer

export const systemRandom: Random = (bytes) => randomBytes(bytes)

/**
 * The passwords of a Secret: those that are there stay, for a database knows them; those that are missing are made.
 *
 * @param generators how each key is made
 */
export function decidePasswords<Key extends string>(
  existing: SecretData | undefined,
  generators: Readonly<Record<Key, () => string>>,
): { data: Record<Key, string>; made: Key[] } {
  // Object.keys of a Record<Key, …> literal gives its keys, which TypeScript widens to string.
  const keys = Object.keys(generators) as Key[]
  const made = keys.filter((key) => !existing?.[key])
  const entries = keys.map((key) => [key, existing?.[key] || generators[key]()] as const)
  // Object.fromEntries forgets the keys of its entries.
  return { data: Object.fromEntries(entries) as Record<Key, string>, made }
}

/** A password of 256 bits, in characters that no URL, file or shell reads differently. */
export function password(random: Random): string {
  return random(32).toString('base64url')
}

/** What the members of a MongoDB replica set know each other by: at most 1024 characters of base64. */
export function mongodbKeyfile(random: Random): string {
  return random(567).toString('base64')
}
