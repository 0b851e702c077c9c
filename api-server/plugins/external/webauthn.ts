import type { SettingsService } from '@simplewebauthn/server'
import fp from 'fastify-plugin'

/** A new passkey as a browser sends it: `RegistrationResponseJSON` of WebAuthn level 3, without what is not needed. */
export interface NewCredential {
  /** In base64url, as all binary members. */
  id: string
  response: { clientDataJSON: string; attestationObject: string; transports?: string[] }
}

/** The use of a passkey as a browser sends it: `AuthenticationResponseJSON`, without what is not needed. */
export interface UsedCredential {
  id: string
  response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle?: string | null }
}

/** What both responses must match. */
interface Expected {
  /** In base64url. */
  challenge: string
  origins: readonly string[]
  rpId: string
  /** Whether the authenticator must have verified the user: by a PIN or a biometric. */
  userVerification: boolean
}

/** A verified new passkey. */
interface VerifiedCredential {
  /** COSE_Key. RFC 9052 section 7. */
  publicKey: Uint8Array
  /** Signature counter; always 0 if the authenticator has none. */
  counter: number
  /** Model of the authenticator, as it says itself. */
  aaguid: string
  isUserVerified: boolean
  /** Whether the passkey can be copied to other devices of the user. */
  isSynced: boolean
  /** Whether such a copy exists now. */
  isBackedUp: boolean
}

/** A verified use of a passkey. */
export type VerifiedUse = Pick<VerifiedCredential, 'counter' | 'isUserVerified' | 'isBackedUp'>

declare module 'fastify' {
  interface FastifyInstance {
    /** Verifies what authenticators sign. Both throw an `Error` that says what is wrong with the response. */
    webAuthn: {
      verifyNew(credential: NewCredential, expected: Expected): Promise<VerifiedCredential>
      /** The caller compares the counters. */
      verifyUse(credential: UsedCredential, publicKey: Uint8Array, expected: Expected): Promise<VerifiedUse>
    }
  }
}

/** EdDSA, ES256 and RS256: one of them is known to every authenticator. IANA COSE algorithms. */
export const publicKeyAlgorithms = [-8, -7, -257]

/** Formats whose root certificates the library brings. */
const formatsWithRoots = ['android-key', 'android-safetynet', 'apple', 'mds'] as const

export default fp(
  async function webAuthn(app) {
    // 27 MB, for servers with passkeys only.
    const library = await import('@simplewebauthn/server')
    trustNoRoot(library.SettingsService)
    app.decorate('webAuthn', {
      async verifyNew({ id, response: { transports: _, ...response } }, expected) {
        const verified = await library.verifyRegistrationResponse({
          response: { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} },
          ...expectationsOf(expected),
          supportedAlgorithmIDs: publicKeyAlgorithms,
        })
        if (!verified.verified) throw new Error('The attestation statement is wrong')
        const { credential, aaguid, userVerified, credentialDeviceType, credentialBackedUp } = verified.registrationInfo
        // The authenticator has signed its data, the browser has not signed the ID beside it.
        if (credential.id !== id) throw new Error('The ID of the passkey differs from that in its data')
        return {
          publicKey: credential.publicKey,
          counter: credential.counter,
          aaguid,
          isUserVerified: userVerified,
          isSynced: credentialDeviceType === 'multiDevice',
          isBackedUp: credentialBackedUp,
        }
      },
      async verifyUse({ id, response: { userHandle: _, ...response } }, publicKey, expected) {
        const { verified, authenticationInfo } = await library.verifyAuthenticationResponse({
          response: { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} },
          ...expectationsOf(expected),
          // With this counter, the library accepts every other one.
          credential: { id, publicKey: Uint8Array.from(publicKey), counter: 0 },
        })
        if (!verified) throw new Error('The signature is wrong')
        const { newCounter, userVerified, credentialBackedUp } = authenticationInfo
        return { counter: newCounter, isUserVerified: userVerified, isBackedUp: credentialBackedUp }
      },
    })
  },
  { name: 'webauthn' },
)

function expectationsOf({ challenge, origins, rpId, userVerification }: Expected) {
  return {
    expectedChallenge: challenge,
    expectedOrigin: [...origins],
    expectedRPID: rpId,
    requireUserVerification: userVerification,
  }
}

/**
 * Certificates of attestation statements are not traced to a root: that would prove the model of an authenticator, which
 * nothing here relies on, and the library would download revocation lists from addresses in the certificates.
 */
function trustNoRoot(settings: typeof SettingsService): void {
  for (const identifier of formatsWithRoots) settings.setRootCertificates({ identifier, certificates: [] })
}
