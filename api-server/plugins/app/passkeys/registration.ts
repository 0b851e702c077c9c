import type { FastifyInstance } from 'fastify'
import { Binary } from 'mongodb'
import type { NewCredential } from '../../external/webauthn.ts'
import type { Caller } from '../caller.ts'
import { addFactor, type Enrolled, requireMayEnrol, useSensitive } from '../mfa/add-factor.ts'
import { FactorTakenError, type Passkey } from '../mfa/factor-store.ts'
import { problem } from '../problems/problem.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import type { StoredUser } from '../users/user.ts'
import { ofSession } from './ceremony.ts'
import { type CreationOptions, creationOptions, passkeysOf } from './options.ts'
import { methodsOf, passkeyId } from './passkey.ts'
import { PasskeyRefused } from './refused.ts'
import { checkClientData, verified } from './use-passkey.ts'

/**
 * Begins to add a passkey, given the password, and a recent second factor if the user has one. The options are for this
 * session.
 *
 * @param currentPassword undefined: it was right at the first step of this login
 * @throws Problem 401 `insufficient_user_authentication`, 403 `password_wrong`, 409 `mfa_too_many`, 422, 429, 503
 */
export async function startPasskey(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  currentPassword: string | undefined,
  caller: Caller,
  now: Date,
): Promise<CreationOptions> {
  const factors = await requireMayEnrol(app, user, claims, currentPassword, caller, now)
  const { rpId, allowedAaguids } = app.passkeys.relyingParty
  const challenge = app.passkeys.newChallenge({ kind: 'registration', subject: ofSession(claims) }, now)
  return creationOptions(challenge, { id: rpId, name: app.config.mfa.serviceName }, user, {
    passkeys: passkeysOf(factors),
    needsModel: allowedAaguids !== undefined,
  })
}

/**
 * Adds a passkey. See `addFactor`.
 * @throws Problem 401 `session_revoked`, 403 `passkey_refused` or `passkey_not_allowed`, 409 `passkey_taken` or
 * `mfa_too_many`, 429, 503
 */
export async function confirmPasskey(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  { name, credential }: { name: string; credential: NewCredential },
  caller: Caller,
  now: Date,
): Promise<Enrolled> {
  await useSensitive(app, user, caller)
  const factor = await verifyNew(app, user, claims, { name, credential }, caller, now)
  const { allowedAaguids } = app.passkeys.relyingParty
  if (allowedAaguids !== undefined && !allowedAaguids.has(factor.aaguid)) {
    throw problem(403, 'passkey_not_allowed', `Authenticators of the model ${factor.aaguid} are not allowed here.`)
  }
  // The password was right when the ceremony began, a minute ago at most.
  const methods = methodsOf(factor, { withPassword: true })
  try {
    return await addFactor(app, user, claims, { factor, methods }, caller, now)
  } catch (error) {
    if (!(error instanceof FactorTakenError)) throw error
    throw problem(409, 'passkey_taken', 'This passkey is already in use, for this account or another one.')
  }
}

/** @throws PasskeyRefused */
async function verifyNew(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  { name, credential }: { name: string; credential: NewCredential },
  { address }: Caller,
  now: Date,
): Promise<Passkey> {
  const { rpId, origins } = app.passkeys.relyingParty
  try {
    const ceremony = { kind: 'registration', subject: ofSession(claims) } as const
    const challenge = checkClientData(app, credential, ceremony, now)
    const expected = { challenge, rpId, origins, userVerification: false }
    const { publicKey, counter, aaguid, isSynced, isBackedUp } = await verified(() =>
      app.webAuthn.verifyNew(credential, expected),
    )
    if (!(await app.passkeys.usedChallenges.use(challenge, user._id, now))) throw new PasskeyRefused('replayed')
    return {
      id: passkeyId(credential.id),
      type: 'passkey',
      name,
      createdAt: now,
      lastUsedAt: now,
      credentialId: credential.id,
      publicKey: new Binary(publicKey),
      counter,
      transports: credential.response.transports ?? [],
      aaguid,
      isSynced,
      isBackedUp,
    }
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    const about = { userId: user._id.toString(), address, reason: `new passkey ${error.reason}` }
    app.securityEvents.record('authn_mfa_fail', about)
    throw error
  }
}
