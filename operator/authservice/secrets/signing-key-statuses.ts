import type { KeySetEntry, KeySetFile } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'
import type { SecretStatus } from '../api/schema.ts'
import { byActivation, isRetired, isWaiting, later, latestOf, signerOf, signsFrom } from './key-order.ts'
import type { SigningKeyPolicy } from './signing-keys.ts'

/** Keys that status lists: the newest ones. Who rotates every few minutes has hundreds that are still accepted. */
const mostListed = 16

/** Age and state of each key, for status. */
export function signingKeyStatuses(
  secretName: string,
  { keys }: KeySetFile,
  { rotationIntervalSeconds }: Pick<SigningKeyPolicy, 'rotationIntervalSeconds'>,
  now: Date,
): SecretStatus[] {
  const signer = signerOf(keys, now)
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

function stateOf(key: KeySetEntry, signer: KeySetEntry | undefined, now: Date): SecretStatus['state'] {
  if (isRetired(key, now)) return 'Retired'
  if (isWaiting(key, now)) return 'Pending'
  return key === signer ? 'Active' : 'Accepted'
}

/** meta/v1 Time has no fractions of seconds. */
function seconds(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z')
}
