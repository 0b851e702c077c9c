import Type from 'typebox'
import { Password } from './auth.ts'
import { FactorName, MfaToken, mfaTokenExample, RememberDevice } from './mfa.ts'

const idExample = 'pZ1mB3q8uYl0Xc7rS9dT2w'
const challengeExample = '3q2-7wABAgMEBQYHCAkKCwAAAZ8X2nVgR1mHcQyJ0m3vYk8sK4bYwq9pTz6dLxUe5NfGhJkVb0M'

/** Bytes in base64url without padding. @param maxBytes of the bytes */
const Bytes = (maxBytes: number, description: string) =>
  Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: Math.ceil((maxBytes * 4) / 3), description })

/** At most 1023 bytes: WebAuthn level 3 section 4. */
const CredentialId = Bytes(1023, 'ID of the credential')
const ClientDataJson = Bytes(4096, 'What the browser says about the ceremony')
const CredentialType = Type.Literal('public-key')

const Descriptor = Type.Object({
  id: Type.String(),
  type: CredentialType,
  transports: Type.Array(Type.String()),
})

const timeout = Type.Integer({ description: 'Milliseconds until the options expire' })

export const PasskeyRequestOptions = Type.Object(
  {
    challenge: Type.String(),
    rpId: Type.String(),
    timeout,
    userVerification: Type.Enum(['required', 'preferred']),
    allowCredentials: Type.Array(Descriptor),
  },
  {
    title: 'PasskeyRequestOptions',
    description: 'For PublicKeyCredential.parseRequestOptionsFromJSON and navigator.credentials.get',
    examples: [
      {
        challenge: challengeExample,
        rpId: 'example.com',
        timeout: 60_000,
        userVerification: 'required',
        allowCredentials: [],
      },
    ],
  },
)

export const PasskeyCreationOptions = Type.Object(
  {
    challenge: Type.String(),
    rp: Type.Object({ id: Type.String(), name: Type.String() }),
    user: Type.Object({ id: Type.String(), name: Type.String(), displayName: Type.String() }),
    pubKeyCredParams: Type.Array(Type.Object({ type: CredentialType, alg: Type.Integer() })),
    timeout,
    attestation: Type.Enum(['none', 'direct']),
    excludeCredentials: Type.Array(Descriptor),
    authenticatorSelection: Type.Object({
      residentKey: Type.Literal('preferred'),
      userVerification: Type.Literal('preferred'),
    }),
  },
  {
    title: 'PasskeyCreationOptions',
    description: 'For PublicKeyCredential.parseCreationOptionsFromJSON and navigator.credentials.create',
    examples: [
      {
        challenge: challengeExample,
        rp: { id: 'example.com', name: 'Example' },
        user: { id: '0QyF2mB6XlVnq4pK8rS7tUwY1zA3cE5gHiJkLmNoPqR', name: 'user@example.com', displayName: 'User Name' },
        pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
        timeout: 60_000,
        attestation: 'none',
        excludeCredentials: [],
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
      },
    ],
  },
)

/** Browsers send more members, which are ignored. */
const NewCredential = Type.Object(
  {
    id: CredentialId,
    type: CredentialType,
    response: Type.Object({
      clientDataJSON: ClientDataJson,
      attestationObject: Bytes(10_000, 'What the authenticator says about the new passkey'),
      transports: Type.Optional(
        Type.Array(Type.String({ maxLength: 32 }), {
          maxItems: 10,
          description: 'How browsers reach the authenticator',
        }),
      ),
    }),
  },
  { description: 'What toJSON() of the new PublicKeyCredential returns' },
)

const UsedCredential = Type.Object(
  {
    id: CredentialId,
    type: CredentialType,
    response: Type.Object({
      clientDataJSON: ClientDataJson,
      authenticatorData: Bytes(4096, 'What the authenticator says about the use'),
      signature: Bytes(1024, 'Of the authenticator'),
      userHandle: Type.Optional(
        Type.Union([Bytes(64, 'Names the user, if the passkey is stored on the authenticator'), Type.Null()]),
      ),
    }),
  },
  { description: 'What toJSON() of the PublicKeyCredential returns' },
)

const clientData = (type: string) =>
  Buffer.from(JSON.stringify({ type, challenge: challengeExample, origin: 'https://app.example.com' })).toString(
    'base64url',
  )

const usedExample = {
  id: idExample,
  type: 'public-key',
  response: {
    clientDataJSON: clientData('webauthn.get'),
    authenticatorData: 'o3mm9u6vuaVeN4wRgDTidR5oL6ufLTCrE9ISVYbOGUcdAAAAAQ',
    signature: 'MEUCIQDk0m3vYk8sK4bYwq9pTz6dLxUe5NfGhJkVb0MCIGR1mHcQyJ',
    userHandle: '0QyF2mB6XlVnq4pK8rS7tUwY1zA3cE5gHiJkLmNoPqR',
  },
}

const newExample = {
  id: idExample,
  type: 'public-key',
  response: {
    clientDataJSON: clientData('webauthn.create'),
    attestationObject: 'o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YViUo3mm9u6vuaVeN4wRgDTidR5oL6ufLTCrE9ISVYbOGUdd',
    transports: ['internal', 'hybrid'],
  },
}

export const PasskeyStart = Type.Object(
  { current_password: Password },
  { title: 'PasskeyStart', additionalProperties: false, examples: [{ current_password: 'correct horse battery' }] },
)

export const PasskeyConfirmation = Type.Object(
  { name: FactorName, credential: NewCredential },
  {
    title: 'PasskeyConfirmation',
    additionalProperties: false,
    examples: [{ name: 'Laptop', credential: newExample }],
  },
)

export const PasskeyUse = Type.Object(
  { credential: UsedCredential },
  { title: 'PasskeyUse', additionalProperties: false, examples: [{ credential: usedExample }] },
)

export const PasskeyOptionsRequest = Type.Object(
  { mfa_token: MfaToken },
  { title: 'PasskeyOptionsRequest', additionalProperties: false, examples: [{ mfa_token: mfaTokenExample }] },
)

export const PasskeySecondStep = Type.Object(
  { mfa_token: MfaToken, remember_device: RememberDevice, credential: UsedCredential },
  {
    title: 'PasskeySecondStep',
    additionalProperties: false,
    examples: [{ mfa_token: mfaTokenExample, credential: usedExample }],
  },
)
