import Type from 'typebox'
import { userClaimNames } from '../claim-names.ts'
import { duration, secretKeyRef, text } from '../fields.ts'
import { notLonger, seconds } from '../rules.ts'
import { between } from './duration-bounds.ts'

/**
 * Minimum time between publishing a key and signing with it: the refresh of a Secret volume and of a cached JWKS
 * document.
 */
const shortestActivationDelaySeconds = 90

/** Maximum lifetime of an access token, in seconds. Retired signing keys verify for this long. */
export const longestAccessTokenSeconds = 86_400

const SigningKeysSchema = Type.Object(
  {
    rotationInterval: Type.Optional(
      duration({
        description: 'Time from one signing key to the next.',
        rules: [between([3600, '1h'], [86_400 * 730, '730d'])],
      }),
    ),
    activationDelay: Type.Optional(
      duration({
        description: 'Time between publishing a new key and signing with it.',
        rules: [between([shortestActivationDelaySeconds, '90s'], [86_400, '24h'])],
      }),
    ),
    secretRef: Type.Optional(
      secretKeyRef({
        description:
          'Secret key with your own signing keys: a key set file, or with HS256 the plain secret of at least 32 bytes.',
        defaultText: 'keys that the operator creates and rotates, in the Secret `<name>-keys`',
      }),
    ),
  },
  {
    description: 'Keys that sign access tokens.',
    rules: [
      {
        rule: `!has(self.activationDelay) || !has(self.rotationInterval) || ${seconds('self.activationDelay')} < ${seconds('self.rotationInterval')}`,
        message: 'activationDelay must be shorter than rotationInterval: write a shorter one, such as 5m',
        fieldPath: '.activationDelay',
      },
      {
        rule: '!has(self.secretRef) || !(has(self.rotationInterval) || has(self.activationDelay))',
        message: 'the operator does not rotate keys from secretRef: remove rotationInterval and activationDelay',
        fieldPath: '.secretRef',
      },
    ],
  },
)

const RevocationSchema = Type.Object(
  {
    maxStaleness: Type.Optional(
      duration({
        description: 'Time for which a server accepts tokens while it cannot read revocations.',
        rules: [between([5, '5s'], [86_400, '24h'])],
      }),
    ),
    whenStale: Type.Optional(
      Type.Enum(['Refuse', 'Accept'], {
        description:
          'What happens to tokens after that: `Refuse` answers 503. `Accept` also accepts tokens that were revoked meanwhile.',
      }),
    ),
  },
  { description: 'Handling of tokens while MongoDB and Redis are both unavailable.' },
)

export const TokensSchema = Type.Object(
  {
    algorithm: Type.Optional(
      Type.Enum(['ES256', 'EdDSA', 'HS256'], {
        description:
          'Signature algorithm of access tokens. With ES256 and EdDSA, other services can verify tokens by the JWKS document. With HS256 they cannot.',
      }),
    ),
    issuer: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        // Its host is the default host of the edge, so it must be a host name.
        pattern: '^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~%!$&()*+,;=:@/-]*)?$',
        description: 'The `iss` claim: the URL at which clients reach the server.',
        defaultText: '`https://` and the host of the ingress',
      }),
    ),
    audience: Type.Optional(text(253, { description: 'The `aud` claim.', defaultText: 'the issuer' })),
    accessTokenClaims: Type.Optional(
      userClaimNames({
        description:
          'Custom claims and `roles` of users that access tokens of this API carry, and that `GET /v1/auth/verify` passes on.',
        defaultText: 'none',
      }),
    ),
    accessTokenLifetime: Type.Optional(
      duration({
        description: 'Lifetime of an access token.',
        rules: [between([60, '1m'], [longestAccessTokenSeconds, '24h'])],
      }),
    ),
    refreshTokenIdleLifetime: Type.Optional(
      duration({
        description: 'Time without a refresh after which a session ends.',
        rules: [between([300, '5m'], [86_400 * 365, '365d'])],
      }),
    ),
    refreshTokenAbsoluteLifetime: Type.Optional(
      duration({
        description: 'Maximum lifetime of a session.',
        rules: [between([300, '5m'], [86_400 * 730, '730d'])],
      }),
    ),
    refreshTokenGrace: Type.Optional(
      duration({
        description:
          'Time for which a used refresh token still returns the current one, for a second tab or a lost response. If it is used later, the session ends.',
        rules: [between([1, '1s'], [60, '60s'])],
      }),
    ),
    signingKeys: Type.Optional(SigningKeysSchema),
    revocation: Type.Optional(RevocationSchema),
  },
  {
    description: 'Access and refresh tokens.',
    rules: [
      lifetimes('accessTokenLifetime', 'refreshTokenIdleLifetime'),
      lifetimes('refreshTokenIdleLifetime', 'refreshTokenAbsoluteLifetime'),
      lifetimes('accessTokenLifetime', 'refreshTokenAbsoluteLifetime'),
    ],
  },
)

function lifetimes(shorter: string, longer: string) {
  return {
    rule: `!has(self.${shorter}) || !has(self.${longer}) || ${notLonger(`self.${shorter}`, `self.${longer}`)}`,
    message: `${shorter} is longer than ${longer}: the lifetimes must increase from access to idle to absolute, such as 15m, 7d, 30d`,
    fieldPath: `.${shorter}`,
  }
}
