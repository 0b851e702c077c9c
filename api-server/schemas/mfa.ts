import Type from 'typebox'
import { accessTokenMembers, loginMembers, Password, tokenPairExample, userExample } from './auth.ts'

export const mfaTokenExample = 'b1Xq0Nv3XyGmT5cJw7rZsPz0fHk2dQ9uA4eV6iO8yBk'
const factorIdExample = '0d8a4c1e-5f2b-4b7e-9c55-3a1f6f6f3c2b'
const recoveryCodeExample = 'k3vqzm-7twbxa-hn2rcd-yp4fgs'

export const MfaToken = Type.String({ minLength: 1, maxLength: 128 })
const Code = Type.String({
  minLength: 1,
  maxLength: 128,
  description: 'The six digits of an authenticator app, or a recovery code. Valid once',
  examples: ['492039'],
})
const Method = Type.Enum(['totp', 'recovery_code'], { description: 'What the code is from' })
const FactorId = Type.String({ description: 'ID of the second factor' })
const FactorType = Type.Enum(['totp', 'passkey'], { description: 'totp: an authenticator app (RFC 6238)' })
const AllowedTypes = Type.Array(FactorType, {
  description: 'The types of factors that the user may add. Those that the user already has still work',
})
export const FactorName = Type.String({ minLength: 1, maxLength: 100, examples: ['Phone'] })
const RecoveryCodeList = Type.Array(Type.String(), {
  description: 'Each replaces a second factor once. Shown only now',
})

const secondFactorRequiredExample = {
  status: 'second_factor_required',
  mfa_token: mfaTokenExample,
  expires_in: 300,
  remember_device_for: 0,
  factors: [{ id: factorIdExample, type: 'totp', name: 'Phone' }],
}

/** The answer to the first step of a login. */
const SecondFactorRequired = Type.Object(
  {
    status: Type.Literal('second_factor_required'),
    mfa_token: Type.String({ description: 'Send it with a code to /v1/auth/login/mfa, from the same client' }),
    expires_in: Type.Integer({ description: 'Seconds until the mfa_token expires' }),
    remember_device_for: Type.Integer({
      minimum: 0,
      description: 'Seconds for which the second step can have the device remembered (MFA_REMEMBER_DEVICE). 0: not',
    }),
    factors: Type.Array(Type.Object({ id: FactorId, type: FactorType, name: Type.String() })),
  },
  {
    title: 'SecondFactorRequired',
    description: 'The password is right, and the user has a second factor: the login needs another step',
    examples: [secondFactorRequiredExample],
  },
)

const enrolmentRequiredExample = {
  status: 'enrolment_required',
  enrolment_token: `enrolment_${mfaTokenExample}`,
  expires_in: 900,
  allowed_types: ['totp', 'passkey'],
}

/** The answer to the first step of a login of a user who must enrol a second factor. */
const EnrolmentRequired = Type.Object(
  {
    status: Type.Literal('enrolment_required'),
    enrolment_token: Type.String({
      description:
        'Send it as an access token to the routes that add a factor of one of the allowed types, from the same client. No other route accepts it',
    }),
    expires_in: Type.Integer({ description: 'Seconds until the enrolment_token expires' }),
    allowed_types: AllowedTypes,
  },
  {
    title: 'EnrolmentRequired',
    description: 'The password is right, and the user must enrol a second factor: confirming it completes the login',
    examples: [enrolmentRequiredExample],
  },
)

/** Every answer to the first step of a login that has another step. */
export const LoginContinues = Type.Union([SecondFactorRequired, EnrolmentRequired], {
  title: 'LoginContinues',
  description: 'The password is right, and the login needs another step',
  examples: [secondFactorRequiredExample, enrolmentRequiredExample],
})

export const RememberDevice = Type.Optional(
  Type.Boolean({
    description:
      'Whether later logins from this device need only the password for a while. Ignored if remember_device_for was 0',
  }),
)

export const SecondStep = Type.Object(
  {
    mfa_token: MfaToken,
    method: Method,
    code: Code,
    remember_device: RememberDevice,
  },
  {
    title: 'SecondStep',
    additionalProperties: false,
    examples: [{ mfa_token: mfaTokenExample, method: 'totp', code: '492039' }],
  },
)

export const StepUp = Type.Object(
  { method: Method, code: Code },
  { title: 'StepUp', additionalProperties: false, examples: [{ method: 'totp', code: '492039' }] },
)

const { refresh_token: refreshTokenExample, ...accessTokenExample } = tokenPairExample

export const AccessToken = Type.Object(accessTokenMembers, {
  title: 'AccessToken',
  description: 'Another access token of the session, with a new auth_time. The refresh token stays',
  examples: [accessTokenExample],
})

const secondFactorExample = {
  id: factorIdExample,
  type: 'totp',
  name: 'Phone',
  created_at: '2026-11-02T08:00:00.000Z',
  last_used_at: '2026-11-24T09:30:00.000Z',
}

const secondFactorMembers = {
  id: FactorId,
  type: FactorType,
  name: Type.String(),
  created_at: Type.String({ format: 'date-time' }),
  last_used_at: Type.String({ format: 'date-time' }),
  backed_up: Type.Optional(
    Type.Boolean({ description: 'For a passkey: whether the user still has it after losing the device' }),
  ),
}

export const SecondFactor = Type.Object(secondFactorMembers, {
  title: 'SecondFactor',
  description: 'The second factor after the change',
  examples: [secondFactorExample],
})

export const SecondFactors = Type.Object(
  {
    factors: Type.Array(Type.Object(secondFactorMembers)),
    required_from: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'From then on the user must have a second factor; null: the user need not',
    }),
    recovery_codes_left: Type.Integer({ minimum: 0, description: 'Recovery codes that were not used' }),
    allowed_types: AllowedTypes,
  },
  {
    title: 'SecondFactors',
    description: 'The second factors of the user',
    examples: [
      {
        factors: [secondFactorExample],
        required_from: null,
        recovery_codes_left: 10,
        allowed_types: ['totp', 'passkey'],
      },
    ],
  },
)

export const FactorChange = Type.Object(
  { name: FactorName },
  { title: 'FactorChange', additionalProperties: false, examples: [{ name: 'Old phone' }] },
)

export const TotpStart = Type.Object(
  { current_password: Password, name: FactorName },
  {
    title: 'TotpStart',
    additionalProperties: false,
    examples: [{ current_password: 'correct horse battery', name: 'Phone' }],
  },
)

const otpauthExample =
  'otpauth://totp/auth.example.com:user%40example.com?issuer=auth.example.com&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30'

export const TotpStarted = Type.Object(
  {
    token: Type.String({ description: 'Send it with the first code of the app to confirm it' }),
    expires_in: Type.Integer({ description: 'Seconds until the token expires' }),
    secret: Type.String({ description: 'In base32, for typing it into the app. Shown only now' }),
    otpauth_url: Type.String({ description: 'The same as a URI, for a QR code' }),
  },
  {
    title: 'TotpStarted',
    description: 'The app is enrolled when it is confirmed with a code',
    examples: [
      {
        token: mfaTokenExample,
        expires_in: 300,
        secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
        otpauth_url: otpauthExample,
      },
    ],
  },
)

export const TotpConfirmation = Type.Object(
  { token: MfaToken, code: Code },
  { title: 'TotpConfirmation', additionalProperties: false, examples: [{ token: mfaTokenExample, code: '492039' }] },
)

/** The response to an enrolment: that of a login, and the recovery codes. */
export function enrolledResponse(cookieMode: boolean) {
  const more = {
    factor_id: FactorId,
    recovery_codes: Type.Union([RecoveryCodeList, Type.Null()], {
      description: 'With the first second factor of a user; otherwise null',
    }),
  }
  const { refresh_token, ...withoutRefreshToken } = tokenPairExample
  const tokens = cookieMode ? { ...withoutRefreshToken, csrf_token: refreshTokenExample } : tokenPairExample
  const example = {
    ...tokens,
    user: userExample,
    factor_id: factorIdExample,
    recovery_codes: Array.from({ length: 10 }, () => recoveryCodeExample),
  }
  return Type.Object(
    { ...loginMembers(cookieMode), ...more },
    {
      title: 'Enrolled',
      description: 'The factor is added. All other sessions have ended, and these are the tokens of a new one',
      examples: [example],
    },
  )
}

export const RecoveryCodes = Type.Object(
  { recovery_codes: RecoveryCodeList },
  {
    title: 'RecoveryCodes',
    description: 'New recovery codes. Earlier ones no longer work',
    examples: [{ recovery_codes: Array.from({ length: 10 }, () => recoveryCodeExample) }],
  },
)

export const FactorParameters = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64, examples: [factorIdExample] }),
})
