import type { SecretData } from '../model/secret-data.ts'

/** Bytes from a source of randomness. */
export type Random = (bytes: number) => Buffer

/**
 * The passwords of a Secret: existing ones are kept, because a database uses them; missing ones are generated.
 *
 * @param generators generator of each key
 */
export function decidePasswords<Key extends string>(
  existing: SecretData | undefined,
  generators: Readonly<Record<Key, () => string>>,
): { data: Record<Key, string>; made: Key[] } {
  // Object.keys of a Record<Key, …> literal returns its keys, which TypeScript widens to string.
  const keys = Object.keys(generators) as Key[]
  const made = keys.filter((key) => !existing?.[key])
  const entries = keys.map((key) => [key, existing?.[key] || generators[key]()] as const)
  // Object.fromEntries loses the type of the keys.
  return { data: Object.fromEntries(entries) as Record<Key, string>, made }
}

/** A password of 256 bits, in characters that need no escaping in a URL, file or shell. */
export function password(random: Random): string {
  return random(32).toString('base64url')
}

/** The key file with which members of a MongoDB replica set authenticate: at most 1024 characters of base64. */
export function mongodbKeyfile(random: Random): string {
  return random(567).toString('base64')
}
