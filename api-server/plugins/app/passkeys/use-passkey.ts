import type { FastifyInstance } from 'fastify'
import type { UsedCredential, VerifiedUse } from '../../external/webauthn.ts'
import type { Caller } from '../caller.ts'
import type { Passkey, UserFactors } from '../mfa/factor-store.ts'
import type { StoredUser } from '../users/user.ts'
import type { Ceremony } from './ceremony.ts'
import { challengeOf } from './client-data.ts'
import { passkeysOf } from './options.ts'
import { isCounterWrong, passkeyId, userHandleOf } from './passkey.ts'
import { PasskeyRefused } from './refused.ts'

/** The use of a passkey, and what it is for. */
export interface PasskeyUse {
  credential: UsedCredential
  ceremony: Ceremony
  /** Whether the passkey is the only factor: the authenticator must then name the user and verify them. */
  isOnlyFactor: boolean
}

/**
 * Checks the use of a passkey of a user, and uses its challenge up. Read the watermark of a new session before: whether the
 * user still has the passkey is checked last.
 *
 * @param found the factors of the user
 * @throws PasskeyRefused
 */
export async function usePasskey(
  app: FastifyInstance,
  user: StoredUser,
  found: UserFactors,
  { credential, ceremony, isOnlyFactor }: PasskeyUse,
  caller: Caller,
  now: Date,
): Promise<Passkey> {
  const { rpId, origins } = app.passkeys.relyingParty
  const challenge = checkClientData(app, credential, ceremony, now)
  const passkey = passkeysOf(found.factors).find(({ id }) => id === passkeyId(credential.id))
  if (passkey === undefined) throw new PasskeyRefused('unknown')
  const userHandle = credential.response.userHandle ?? undefined
  if (userHandle === undefined ? isOnlyFactor : userHandle !== userHandleOf(user._id)) {
    throw new PasskeyRefused('user_handle')
  }
  const expected = { challenge, rpId, origins, userVerification: isOnlyFactor }
  const use = await verified(() => app.webAuthn.verifyUse(credential, passkey.publicKey.value(), expected))
  if (!(await app.passkeys.usedChallenges.use(challenge, user._id, now))) throw new PasskeyRefused('replayed')
  await recordUse(app, user, passkey, use, caller, now)
  return passkey
}

/**
 * What can be checked without knowing the passkey.
 * @returns the challenge, in base64url
 * @throws PasskeyRefused
 */
export function checkClientData(
  app: FastifyInstance,
  { response: { clientDataJSON } }: { response: { clientDataJSON: string } },
  ceremony: Ceremony,
  now: Date,
): string {
  const type = ceremony.kind === 'registration' ? 'webauthn.create' : 'webauthn.get'
  const challenge = challengeOf(clientDataJSON, { type, origins: app.passkeys.relyingParty.origins })
  switch (app.passkeys.checkChallenge(challenge, ceremony, now)) {
    case 'valid':
      return challenge
    case 'expired':
      throw new PasskeyRefused('expired')
    case 'foreign':
      throw new PasskeyRefused('challenge')
  }
}

/** Runs a check of the library. @throws PasskeyRefused */
export async function verified<Result>(check: () => Promise<Result>): Promise<Result> {
  try {
    return await check()
  } catch (error) {
    throw new PasskeyRefused('invalid', error instanceof Error ? error : new Error(String(error)))
  }
}

/** The write is the last check: a passkey that was removed meanwhile is refused. @throws PasskeyRefused */
async function recordUse(
  app: FastifyInstance,
  user: StoredUser,
  { id, counter }: Passkey,
  use: VerifiedUse,
  caller: Caller,
  now: Date,
): Promise<void> {
  const isCopy = isCounterWrong(counter, use.counter)
  if (!isCopy && (await app.mfa.factors.usePasskey(user._id, id, use, now))) return
  const stillHas = await app.mfa.factors.findByFactor(id)
  if (stillHas === null) throw new PasskeyRefused('unknown')
  // Also if another server has recorded a higher counter meanwhile.
  const about = { userId: user._id.toString(), address: caller.address, reason: id }
  app.securityEvents.record('authn_mfa_passkey_copied', about)
  app.mail.later('passkey_copied', caller.language, async () => ({ kind: 'passkey_copied', to: user.email }))
  throw new PasskeyRefused('counter')
}
