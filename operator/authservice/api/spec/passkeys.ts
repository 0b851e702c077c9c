import Type from 'typebox'
import { flag, host, listSet, type Rule } from '../fields.ts'

const domainNeeded = 'passkeys need a domain, which is neither an IP address nor a single word such as com'

/** Passkeys of users. WebAuthn level 3. The server checks the same: see `api-server/config/webauthn.ts`. */
export const PasskeysSchema = Type.Object(
  {
    enabled: Type.Optional(
      flag({ description: 'Whether users may add passkeys, and log in with them alone or after the password.' }),
    ),
    rpID: Type.Optional(
      host({
        description:
          'Relying party ID: the domain that passkeys belong to, `ingress.host` or a domain above it. It must not change, because every passkey would stop working. Choose the highest domain that you will keep.',
        defaultText: '`ingress.host`',
        rules: [{ rule: isDomain('self'), message: `${domainNeeded}: write one such as example.com` }],
      }),
    ),
    origins: Type.Optional(
      Type.Array(
        Type.String({
          minLength: 1,
          maxLength: 253,
          pattern: '^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$',
          description: 'An origin as browsers send it, such as `https://app.example.com`.',
          rules: [
            {
              rule: "self.startsWith('https://') || self.matches('^http://([^:]+[.])?localhost(:|$)')",
              message: 'browsers offer passkeys on HTTPS pages only, and on localhost: write https://…',
            },
            {
              rule: "self.split(':').size() < 3 || !(self.split(':')[2] == (self.startsWith('https://') ? '443' : '80') || int(self.split(':')[2]) > 65535)",
              message: 'browsers omit the default port, and 65535 is the highest one: write https://… without the port',
            },
          ],
        }),
        {
          ...listSet,
          minItems: 1,
          maxItems: 64,
          description: 'Origins of the pages that use passkeys. Their hosts are `rpID` or below it.',
          defaultText:
            '`https://` and `ingress.host`, the origin of `tokens.issuer`, and those of `cors.origins`, as far as browsers offer passkeys of `rpID` there',
        },
      ),
    ),
    allowedAAGUIDs: Type.Optional(
      Type.Array(
        Type.String({
          maxLength: 36,
          pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
          description: 'AAGUID of a model, such as `2fc0579f-8113-47ea-b116-bb5a8db9202a`.',
        }),
        {
          ...listSet,
          minItems: 1,
          maxItems: 64,
          description:
            'Models of authenticators that users may add, as the authenticators describe themselves. Passkeys of other models that users have already continue to work.',
          defaultText: 'all',
        },
      ),
    ),
  },
  { description: 'Passkeys (WebAuthn) of users.' },
)

/** Passkeys are on, and the host is known. `of` is `self` or `oldSelf`. */
const enabled = (of: string) =>
  `${of}.?mfa.?passkeys.?enabled.orValue(false) && has(${of}.ingress) && has(${of}.ingress.host)`

/** The effective relying party ID, if passkeys are on. */
const rpID = (of: string) => `(has(${of}.mfa.passkeys.rpID) ? ${of}.mfa.passkeys.rpID : ${of}.ingress.host)`

/**
 * Rules of a spec that involve passkeys and other parts. They read strings without `orValue`, because the cost estimate
 * would lose the maximum length.
 */
export const passkeyRules: Rule[] = [
  {
    rule: '!self.?mfa.?passkeys.?enabled.orValue(false) || has(self.ingress) && has(self.ingress.host)',
    message: 'passkeys belong to a domain for ever: write ingress.host, the host name that clients use',
    fieldPath: '.mfa',
  },
  {
    rule: `!(${enabled('self')}) || ${isDomain('self.ingress.host')}`,
    message: `${domainNeeded}: write ingress.host as one such as auth.example.com`,
    fieldPath: '.ingress',
  },
  {
    rule: `!(${enabled('self')}) || !has(self.mfa.passkeys.rpID) || self.ingress.host == self.mfa.passkeys.rpID || self.ingress.host.endsWith('.' + self.mfa.passkeys.rpID)`,
    message:
      'mfa.passkeys.rpID must be ingress.host or a domain above it, such as example.com for auth.example.com: correct it, or remove it to use ingress.host',
    fieldPath: '.mfa',
  },
  {
    rule: `!(${enabled('self')}) || !has(self.mfa.passkeys.origins) || self.mfa.passkeys.origins.all(origin, origin.split(':')[1] == '//' + ${rpID('self')} || origin.split(':')[1].endsWith('.' + ${rpID('self')}))`,
    message:
      'browsers refuse passkeys on pages outside of mfa.passkeys.rpID (by default ingress.host): remove the other origins from mfa.passkeys.origins, or write a domain above all of them in rpID',
    fieldPath: '.mfa',
  },
  {
    rule: `!(${enabled('oldSelf')}) || !(${enabled('self')}) || ${rpID('oldSelf')} == ${rpID('self')}`,
    message:
      'every passkey would stop working, because passkeys belong to mfa.passkeys.rpID (by default ingress.host): write its previous value. To change it nevertheless, first apply mfa.passkeys.enabled: false',
    fieldPath: '.mfa',
  },
]

function isDomain(host: string): string {
  return `(${host} == 'localhost' || ${host}.contains('.') && !${host}.matches('(^|[.])[0-9]+$'))`
}
