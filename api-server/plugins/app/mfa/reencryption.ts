import type { FastifyInstance } from 'fastify'
import { secretSubject } from './check-code.ts'
import { type KeyState, type MfaKeys, type SealedSecret, UnreadableSecretError } from './sealed-secret.ts'

/** How many secrets need a key. */
export interface KeyUse {
  kid: string
  /** `missing`: secrets need it, and the key set does not have it. */
  state: KeyState | 'missing'
  /** Secrets of second factors. */
  secrets: number
  /** Secrets of enrolments that are not confirmed yet. They expire soon (MFA_TOKEN_LIFETIME). */
  pending: number
}

export interface Reencryption {
  /** Number of secrets that this run has encrypted with the newest key. */
  reencrypted: number
  /** Number of secrets whose key is missing, or that were changed. They stay as they are. */
  unreadable: number
  /** Users with such secrets, at most `maxNamed`. */
  unreadableUsers: string[]
  /** Every key that is in the key set or that a secret needs, counted after the run. */
  keys: KeyUse[]
}

/** Maximum number of users that the result names. */
const maxNamed = 5

/**
 * Encrypts every secret of second factors with the newest active key. Safe beside servers, and safe to repeat: a secret
 * is replaced only if it is still the one that was read. Reads one batch of users at a time.
 *
 * @throws Error when no key is active
 */
export async function reencryptSecrets({ mfa }: Pick<FastifyInstance, 'mfa'>, now: Date): Promise<Reencryption> {
  const newest = mfa.keys.newest(now)
  const unreadableUsers = new Set<string>()
  let [reencrypted, unreadable] = [0, 0]
  for await (const { _id, factors } of mfa.factors.sealedByOthersThan(newest)) {
    for (const factor of factors) {
      // Passkeys have no secret.
      if (factor.type !== 'totp' || factor.secret.kid === newest) continue
      const subject = secretSubject(_id, factor.id)
      const secret = readable(mfa.keys, factor.secret, subject)
      if (secret === undefined) {
        unreadable++
        if (unreadableUsers.size < maxNamed) unreadableUsers.add(_id.toString())
        continue
      }
      // Not if the factor was removed, or its code used, since it was read.
      if (await mfa.factors.reseal(_id, factor, mfa.keys.seal(secret, subject, now))) reencrypted++
    }
  }
  return { reencrypted, unreadable, unreadableUsers: [...unreadableUsers], keys: await keyUses(mfa, now) }
}

/** @returns undefined for a secret that cannot be decrypted */
function readable(keys: MfaKeys, secret: SealedSecret, subject: string): string | undefined {
  try {
    return keys.unseal(secret, subject)
  } catch (error) {
    if (error instanceof UnreadableSecretError) return undefined
    throw error
  }
}

async function keyUses({ keys, factors, challenges }: FastifyInstance['mfa'], now: Date): Promise<KeyUse[]> {
  // In this order: an enrolment that is confirmed meanwhile is counted twice, and not missed.
  const pending = await challenges.countByKey()
  const secrets = await factors.countByKey()
  const states = keys.states(now)
  const kids = new Set([...states.keys(), ...secrets.keys(), ...pending.keys()])
  return [...kids].map((kid) => ({
    kid,
    state: states.get(kid) ?? 'missing',
    secrets: secrets.get(kid) ?? 0,
    pending: pending.get(kid) ?? 0,
  }))
}
