import Type from 'typebox'
import { duration, integer, listSet, rate, secretKeyRef, text } from '../fields.ts'
import { notLonger, seconds } from '../rules.ts'
import { between } from './duration-bounds.ts'

/** Shortest time between adding a key and signing with it: a Secret volume's refresh and a cached JWKS document. */
const shortestActivationDelaySeconds = 90

/** Longest life of an access token, in seconds. Retired signing keys verify for this long. */
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
          'Your own keys: a Secret key that holds a key set file, or, with HS256, the bare secret of at least 32 bytes.',
        defaultText: 'keys that the operator makes and rotates, in Secret `<name>-keys`',
      }),
    ),
  },
  {
    description: 'The keys that sign access tokens.',
    rules: [
      {
        rule: `!has(self.activationDelay) || !has(self.rotationInterval) || ${seconds('self.activationDelay')} < ${seconds('self.rotationInterval')}`,
        message: 'activationDelay is not shorter than rotationInterval: write a shorter one, such as 5m',
        fieldPath: '.activationDelay',
      },
      {
        rule: '!has(self.secretRef) || !(has(self.rotationInterval) || has(self.activationDelay))',
        message: 'keys from secretRef are not rotated by the operator: remove rotationInterval and activationDelay',
        fieldPath: '.secretRef',
      },
    ],
  },
)

const RevocationSchema = Type.Object(
  {
    maxStaleness: Type.Optional(
      duration({
        description: 'Time for which tokens are verified while a server hears nothing of revocations.',
        rules: [between([5, '5s'], [86_400, '24h'])],
      }),
    ),
    whenStale: Type.Optional(
      Type.Enum(['Refuse', 'Accept'], {
        description:
          'What becomes of a token after that: `Refuse` answers 503; `Accept` lets pass what was revoked meanwhile.',
      }),
    ),
  },
  { description: 'What holds while MongoDB and Redis are both away.' },
)

export const TokensSchema = Type.Object(
  {
    algorithm: Type.Optional(
      Type.Enum(['ES256', 'EdDSA', 'HS256'], {
        description:
          'Signature of access tokens. ES256 and EdDSA let others verify by the JWKS document; HS256 does not.',
      }),
    ),
    issuer: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        // Its host becomes the edge's when none is named, so it is a host name and nothing else.
        pattern: '^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~%!$&()*+,;=:@/-]*)?$',
        description: 'The `iss` claim: the URL under which clients reach the server.',
        defaultText: '`https://` and the host of the ingress',
      }),
    ),
    audience: Type.Optional(text(253, { description: 'The `aud` claim.', defaultText: 'the issuer' })),
    accessTokenLifetime: Type.Optional(
      duration({
        description: 'Life of an access token.',
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
        description: 'Time after which a session ends in any case.',
        rules: [between([300, '5m'], [86_400 * 730, '730d'])],
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
    message: `${shorter} is longer than ${longer}: lifetimes go up from access to idle to absolute, such as 15m, 7d, 30d`,
    fieldPath: `.${shorter}`,
  }
}

export const PasswordsSchema = Type.Object(
  {
    bcryptCost: Type.Optional(
      integer(10, 15, {
        description: 'Cost of a password hash; each step doubles its time. 12 takes about 0.2 s of one core.',
        rules: [
          {
            rule: 'self >= 10 && self <= 15',
            message: 'below 10 a stolen hash is cheap to try, above 15 a login takes seconds: write 12, or 10 to 15',
          },
        ],
      }),
    ),
    minLength: Type.Optional(
      integer(8, 72, { description: 'Fewest characters of a new password. bcrypt reads 72 bytes at most.' }),
    ),
    words: Type.Optional(
      Type.Array(
        Type.String({ minLength: 3, maxLength: 64, pattern: '^[^,]+$', description: 'A word, whatever its case.' }),
        {
          ...listSet,
          maxItems: 100,
          description:
            'Words that a new password is not made of, such as the names of your organisation and its products.',
        },
      ),
    ),
  },
  { description: 'Passwords of users.' },
)

export const RateLimitsSchema = Type.Object(
  {
    perClient: Type.Optional(rate({ description: 'Requests of one client address, at the edge and in the server.' })),
    burst: Type.Optional(
      integer(0, 100_000, { description: 'Requests that one client may send at once beyond `perClient`.' }),
    ),
    login: Type.Optional(rate({ description: 'Logins of one client address.' })),
    register: Type.Optional(rate({ description: 'Registrations of one client address.' })),
    refresh: Type.Optional(rate({ description: 'Refreshes of one client address.' })),
    reset: Type.Optional(rate({ description: 'Password resets of one client address.' })),
    loginPerAccount: Type.Optional(
      rate({ description: 'Logins to one account from devices that it does not know.', defaultText: '`login`' }),
    ),
    loginPerPair: Type.Optional(
      rate({ description: 'Logins of one client address to one account.', defaultText: '`login`' }),
    ),
    loginPerKnownDevice: Type.Optional(
      rate({ description: 'Logins to one account from devices that it knows.', defaultText: '`login`' }),
    ),
    mail: Type.Optional(rate({ description: 'Mails to one account.' })),
    emailVerification: Type.Optional(rate({ description: 'Confirmations of an email from one client address.' })),
    sensitive: Type.Optional(rate({ description: 'Changes of one account that ask for its password.' })),
    profile: Type.Optional(rate({ description: 'Reads and changes that one user makes to their own account.' })),
    admin: Type.Optional(rate({ description: 'Calls of one administrator.' })),
  },
  { description: 'Requests allowed, written as `100/s`, `10/m` or `5/h`.' },
)

export const LockoutSchema = Type.Object(
  {
    failures: Type.Optional(
      integer(1, 100, { description: 'Failed logins of one client address to one account until the pair is locked.' }),
    ),
    firstLock: Type.Optional(
      duration({
        description: 'The first lock, which each further failure doubles.',
        rules: [between([1, '1s'], [86_400, '24h'])],
      }),
    ),
    longestLock: Type.Optional(
      duration({ description: 'The longest lock.', rules: [between([1, '1s'], [86_400 * 7, '7d'])] }),
    ),
    forgetAfter: Type.Optional(
      duration({
        description: 'Time after which failed logins are forgotten.',
        rules: [between([60, '1m'], [86_400 * 7, '7d'])],
      }),
    ),
    knownDeviceLifetime: Type.Optional(
      duration({
        description:
          'Time for which a device is known on which a user has logged in: others cannot lock its owner out.',
        rules: [between([86_400, '1d'], [86_400 * 730, '730d'])],
      }),
    ),
  },
  {
    description: 'Locks after failed logins. They lock one client address out of one account, nobody else.',
    rules: [
      {
        rule: `!has(self.firstLock) || !has(self.longestLock) || ${notLonger('self.firstLock', 'self.longestLock')}`,
        message: 'firstLock is longer than longestLock: write a shorter one, such as 1s',
        fieldPath: '.firstLock',
      },
    ],
  },
)

export const CorsSchema = Type.Object(
  {
    origins: Type.Optional(
      Type.Array(
        Type.String({
          minLength: 1,
          maxLength: 253,
          pattern: '^([*]|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$',
          description: 'An origin without a path, such as `https://app.example.com`, or `*`.',
        }),
        { ...listSet, maxItems: 64, description: 'Origins whose pages may call the server.' },
      ),
    ),
  },
  {
    description: 'Cross-origin requests by browsers.',
    rules: [
      {
        rule: "!has(self.origins) || !('*' in self.origins) || size(self.origins) == 1",
        message: '* allows every origin: write it alone, or write the origins without it',
        fieldPath: '.origins',
      },
    ],
  },
)
