import type { AuthServiceStatus, SecretStatus } from '../api/schema.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { mongodbKeys, redisKeys, rotationRecordKeys } from '../secrets/password-rotation.ts'

/** When one secret was created. */
export interface SecretAge {
  /** Name of the Secret. */
  secret: string
  /** Key in the Secret: the `kid` of a signing key, or the name of the data key. */
  key: string
  createdAt: Date
}

/** Keys of Secrets whose value `rotate-passwords` replaces, or that contains such a value. */
const rotated = new Set([redisKeys.current, mongodbKeys.current, 'url'])

/** The age of every secret that the operator keeps. A key that is refused by now has none. */
export function secretAges(
  snapshot: Pick<Snapshot, 'children' | 'ownSecrets'>,
  { secrets = [], actions = [] }: AuthServiceStatus,
): SecretAge[] {
  const rotation = actions.find(({ name }) => name === 'rotate-passwords')
  return secrets
    .filter(({ state }) => state !== 'Retired')
    .flatMap((secret) => {
      const time = secret.createdAt ?? timeOf(secret, snapshot, rotation)
      return time === undefined ? [] : [{ secret: secret.name, key: secret.keyId, createdAt: new Date(time) }]
    })
}

/**
 * A secret without a time of its own is as old as its Secret, until it is rotated.
 * @returns undefined while the Secret is not in the cache yet, and for a password that is being replaced
 */
function timeOf(
  { name, keyId, state }: SecretStatus,
  { children, ownSecrets }: Pick<Snapshot, 'children' | 'ownSecrets'>,
  rotation: { value: string; takenAt: string } | undefined,
): string | undefined {
  if (state !== 'Active') return undefined
  const rotatedBy = ownSecrets.get(name)?.[rotationRecordKeys.rotatedBy]
  if (rotatedBy === undefined || !rotated.has(keyId)) {
    return findChild({ children }, 'Secret', name)?.metadata.creationTimestamp
  }
  return rotation?.value === rotatedBy ? rotation.takenAt : undefined
}
