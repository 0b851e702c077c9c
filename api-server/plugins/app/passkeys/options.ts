import { publicKeyAlgorithms } from '../../external/webauthn.ts'
import type { Factor, Passkey } from '../mfa/factor-store.ts'
import type { StoredUser } from '../users/user.ts'
import { ceremonySeconds } from './ceremony.ts'
import { userHandleOf } from './passkey.ts'

/** A passkey as browsers are told of it. */
interface CredentialDescriptor {
  id: string
  type: 'public-key'
  transports: string[]
}

/** `PublicKeyCredentialRequestOptionsJSON`, WebAuthn level 3 section 5.5. */
export interface RequestOptions {
  challenge: string
  rpId: string
  /** In milliseconds. */
  timeout: number
  userVerification: 'required' | 'preferred'
  /** Empty: the authenticator shows the passkeys that it has. */
  allowCredentials: CredentialDescriptor[]
}

/** @param passkeys of the user, if the server knows who it is */
export function requestOptions(
  challenge: string,
  rpId: string,
  { passkeys = [], userVerification }: { passkeys?: readonly Passkey[]; userVerification: 'required' | 'preferred' },
): RequestOptions {
  return {
    challenge,
    rpId,
    timeout: ceremonySeconds * 1000,
    userVerification,
    allowCredentials: passkeys.map(descriptorOf),
  }
}

/** `PublicKeyCredentialCreationOptionsJSON`, WebAuthn level 3 section 5.4. */
export interface CreationOptions {
  challenge: string
  rp: { id: string; name: string }
  user: { id: string; name: string; displayName: string }
  pubKeyCredParams: { type: 'public-key'; alg: number }[]
  /** In milliseconds. */
  timeout: number
  attestation: 'none' | 'direct'
  excludeCredentials: CredentialDescriptor[]
  authenticatorSelection: { residentKey: 'preferred'; userVerification: 'preferred' }
}

/**
 * @param passkeys that the user has: an authenticator with one of them adds no other
 * @param needsModel whether only some models are allowed: security keys name theirs only with an attestation
 */
export function creationOptions(
  challenge: string,
  rp: { id: string; name: string },
  user: Pick<StoredUser, '_id' | 'email' | 'name'>,
  { passkeys, needsModel }: { passkeys: readonly Passkey[]; needsModel: boolean },
): CreationOptions {
  return {
    challenge,
    rp,
    // Authenticators show the email, so that users with several accounts can tell them apart.
    user: { id: userHandleOf(user._id), name: user.email, displayName: user.name },
    pubKeyCredParams: publicKeyAlgorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: ceremonySeconds * 1000,
    attestation: needsModel ? 'direct' : 'none',
    excludeCredentials: passkeys.map(descriptorOf),
    // A login without a password needs both. A security key that has neither is a second factor.
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  }
}

export function passkeysOf(factors: readonly Factor[]): Passkey[] {
  return factors.filter((factor) => factor.type === 'passkey')
}

function descriptorOf({ credentialId: id, transports }: Passkey): CredentialDescriptor {
  return { id, type: 'public-key', transports }
}
