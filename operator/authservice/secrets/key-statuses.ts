import { isRetired, signingKeyAt } from '@authservice-operator/contract/key-set.ts'
import type { SecretStatus } from '../api/schema.ts'
import { byActivation, type DatedKey, isWaiting, later, latestOf, signsFrom } from './key-order.ts'
import type { SigningKeyPolicy } from './signing-keys.ts'

/**
 * Number of keys that status lists: the newest ones. With a rotation every few minutes, hundreds of keys are still
 * accepted.
 */
const mostListed = 16

/** Age and state of each key, for status. */
export function keyStatuses(
  secretName: string,
  keys: readonly DatedKey[],
  { rotationIntervalSeconds }: Pick<SigningKeyPolicy, 'rotationIntervalSeconds'>,
  now: Date,
): SecretStatus[] {
  const signer = signingKeyAt(keys, now)
  const latest = latestOf(keys)
  return byActivation(keys)
    .slice(-mostListed)
    .map((key) => ({
      name: secretName,
      keyId: key.kid,
      state: stateOf(key, signer, now),
      createdAt: seconds(key.createdAt),
      activateAt: seconds(signsFrom(key).toISOString()),
      ...(key.retireAt === undefined ? {} : { retireAt: seconds(key.retireAt) }),
      ...(key === latest
        ? { nextRotationAt: seconds(later(signsFrom(key), rotationIntervalSeconds).toISOString()) }
        : {}),
    }))
}

function stateOf(key: DatedKey, signer: DatedKey | undefined, now: Date): SecretStatus['state'] {
  if (isRetired(key, now)) return 'Retired'
  if (isWaiting(key, now)) return 'Pending'
  return key === signer ? 'Active' : 'Accepted'
}

/** meta/v1 Time has no fractions of a second. */
function seconds(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z')
}
