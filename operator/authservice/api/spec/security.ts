import Type from 'typebox'
import { duration, integer, listSet, rate } from '../fields.ts'
import { notLonger } from '../rules.ts'
import { between } from './duration-bounds.ts'

export const PasswordsSchema = Type.Object(
  {
    bcryptCost: Type.Optional(
      integer(10, 15, {
        description: 'bcrypt cost of a password hash. Each step doubles the time. 12 takes about 0.2 s of one core.',
        rules: [
          {
            rule: 'self >= 10 && self <= 15',
            message:
              'below 10, a stolen hash is cheap to attack, and above 15, a login takes seconds: write 12, or 10 to 15',
          },
        ],
      }),
    ),
    minLength: Type.Optional(
      integer(8, 72, { description: 'Minimum length of a new password in bytes. bcrypt uses at most 72 bytes.' }),
    ),
    words: Type.Optional(
      Type.Array(
        Type.String({ minLength: 3, maxLength: 64, pattern: '^[^,]+$', description: 'A word. Case is ignored.' }),
        {
          ...listSet,
          maxItems: 100,
          description:
            'Words that a new password may not consist of, such as the names of your organisation and its products.',
        },
      ),
    ),
  },
  { description: 'Passwords of users.' },
)

export const RateLimitsSchema = Type.Object(
  {
    perClient: Type.Optional(rate({ description: 'Requests from one client address, at the edge and in the server.' })),
    burst: Type.Optional(integer(0, 100_000, { description: 'Burst of requests from one client beyond `perClient`.' })),
    login: Type.Optional(rate({ description: 'Logins from one client address.' })),
    register: Type.Optional(rate({ description: 'Registrations from one client address.' })),
    refresh: Type.Optional(rate({ description: 'Refreshes of one session.' })),
    reset: Type.Optional(rate({ description: 'Requests for password resets from one client address.' })),
    loginPerAccount: Type.Optional(
      rate({ description: 'Failed logins to one account from unknown devices.', defaultText: '`login`' }),
    ),
    loginPerPair: Type.Optional(
      rate({ description: 'Failed logins from one client address to one account.', defaultText: '`login`' }),
    ),
    loginPerKnownDevice: Type.Optional(
      rate({ description: 'Logins to one account from known devices.', defaultText: '`login`' }),
    ),
    mail: Type.Optional(rate({ description: 'Mails to one account.' })),
    emailVerification: Type.Optional(rate({ description: 'Invalid email confirmations from one client address.' })),
    sensitive: Type.Optional(rate({ description: 'Changes to one account that need its password.' })),
    profile: Type.Optional(rate({ description: 'Requests of one user about their own account.' })),
    admin: Type.Optional(rate({ description: 'Requests of one administrator.' })),
  },
  { description: 'Rate limits, such as `100/s`, `10/m` or `5/h`.' },
)

export const LockoutSchema = Type.Object(
  {
    failures: Type.Optional(
      integer(1, 100, {
        description: 'Failed logins from one client address to one account after which the pair is locked.',
      }),
    ),
    firstLock: Type.Optional(
      duration({
        description: 'Duration of the first lock, which each further failure doubles.',
        rules: [between([1, '1s'], [86_400, '24h'])],
      }),
    ),
    longestLock: Type.Optional(
      duration({ description: 'Maximum duration of a lock.', rules: [between([1, '1s'], [86_400 * 7, '7d'])] }),
    ),
    forgetAfter: Type.Optional(
      duration({
        description: 'Time after which the server forgets failed logins.',
        rules: [between([60, '1m'], [86_400 * 7, '7d'])],
      }),
    ),
    knownDeviceLifetime: Type.Optional(
      duration({
        description:
          'Time for which a device stays known after a login. Failed logins by others do not lock out its owner.',
        rules: [between([86_400, '1d'], [86_400 * 730, '730d'])],
      }),
    ),
  },
  {
    description: 'Locks after failed logins. A lock applies to one client address and one account.',
    rules: [
      {
        rule: `!has(self.firstLock) || !has(self.longestLock) || ${notLonger('self.firstLock', 'self.longestLock')}`,
        message: 'firstLock must not be longer than longestLock: write a shorter one, such as 1s',
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
        { ...listSet, maxItems: 64, description: 'Origins of pages that may call the server.' },
      ),
    ),
  },
  {
    description: 'Cross-origin requests by browsers.',
    rules: [
      {
        rule: "!has(self.origins) || !('*' in self.origins) || size(self.origins) == 1",
        message: '* allows every origin: write only *, or write the origins without it',
        fieldPath: '.origins',
      },
    ],
  },
)
