import Type from 'typebox'
import { duration, flag, listSet, text } from '../fields.ts'
import { between } from './duration-bounds.ts'
import { PasskeysSchema } from './passkeys.ts'

/** Whether users have second factors. Not `Off`, which YAML 1.1 reads as the boolean false. Decision 60. */
const mfaModes = ['Disabled', 'Optional', 'Required'] as const
const roles = ['admin', 'user'] as const

const EncryptionKeysSchema = Type.Object(
  {
    rotationInterval: Type.Optional(
      duration({
        description:
          'Time from one key to the next. Earlier keys stay, because they decrypt the secrets that they encrypted.',
        rules: [between([86_400 * 7, '7d'], [86_400 * 730, '730d'])],
      }),
    ),
  },
  {
    description:
      'Keys that encrypt the secrets of authenticator apps, which the operator creates and rotates in the Secret `<name>-mfa-keys`.',
  },
)

export const MfaSchema = Type.Object(
  {
    mode: Type.Optional(
      Type.Enum([...mfaModes], {
        description:
          '`Optional`: users may enrol second factors, and a login of such a user needs one. `Required`: every user must enrol one. `Disabled`: users log in with their password alone, even if they have enrolled one before.',
      }),
    ),
    requiredRoles: Type.Optional(
      Type.Array(Type.Enum([...roles]), {
        maxItems: roles.length,
        ...listSet,
        description: 'With the mode `Optional`: roles whose users must enrol a second factor.',
        defaultText: 'production: `[admin]` with the mode `Optional`; development and staging: none',
      }),
    ),
    gracePeriod: Type.Optional(
      duration({
        description:
          'Time for which users who exist when a second factor becomes required need none yet. The servers measure it from the first login under the requirement.',
        rules: [between([3600, '1h'], [86_400 * 90, '90d'])],
        defaultText: 'none: users enrol at their next login',
      }),
    ),
    serviceName: Type.Optional(
      text(64, {
        pattern: '^[^:\\x00-\\x1f]+$',
        description: 'Name of the service in authenticator apps, without a colon.',
        defaultText: 'the host of `tokens.issuer`',
      }),
    ),
    stepUpMaxAge: Type.Optional(
      duration({
        description: 'Time after a second factor during which a user who has one may change credentials.',
        rules: [between([60, '1m'], [86_400, '24h'])],
      }),
    ),
    totp: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(
            flag({
              description: 'Whether users may enrol authenticator apps. Apps that users already have work in any case.',
            }),
          ),
        },
        { description: 'Authenticator apps (TOTP) of users.' },
      ),
    ),
    passkeys: Type.Optional(PasskeysSchema),
    encryptionKeys: Type.Optional(EncryptionKeysSchema),
  },
  {
    description: 'Second factors of users: authenticator apps (TOTP), passkeys and recovery codes.',
    rules: [
      {
        rule: "!has(self.requiredRoles) || self.?mode.orValue('Disabled') == 'Optional'",
        message:
          'requiredRoles applies only to the mode Optional: write mode: Optional, or remove requiredRoles. The mode Required is for every user',
        fieldPath: '.requiredRoles',
      },
      {
        rule: "!has(self.gracePeriod) || self.?mode.orValue('Disabled') != 'Disabled'",
        message: 'gracePeriod has no effect while second factors are disabled: write a mode, or remove gracePeriod',
        fieldPath: '.gracePeriod',
      },
      {
        rule: "!self.?passkeys.?enabled.orValue(false) || self.?mode.orValue('Disabled') != 'Disabled'",
        message: 'passkeys need second factors: write mode: Optional or Required, or passkeys.enabled: false',
        fieldPath: '.passkeys',
      },
      {
        rule: "self.?totp.?enabled.orValue(true) || self.?passkeys.?enabled.orValue(false) || self.?mode.orValue('Disabled') == 'Disabled'",
        message:
          'users could add no second factor, because recovery codes alone are none: write passkeys.enabled: true, or totp.enabled: true',
        fieldPath: '.totp',
      },
    ],
  },
)
