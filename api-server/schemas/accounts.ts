import Type from 'typebox'
import { Email, NewEmail, Password, User, userExample } from './auth.ts'

export const Name = Type.String({ minLength: 1, maxLength: 200, examples: ['User Name'] })

/** From a mail: opaque. */
const MailToken = Type.String({ minLength: 1, maxLength: 128, description: 'From the mailed link' })
const tokenExample = 'h0Qm2sX9vT1bLc4yJw7rZsPz0fHk5dQ9uA4eV6iO8yB'

export const Accepted = Type.Object(
  { status: Type.Literal('accepted') },
  { title: 'Accepted', description: 'Accepted', examples: [{ status: 'accepted' }] },
)

export const EmailOnly = Type.Object(
  { email: Email },
  { title: 'EmailOnly', additionalProperties: false, examples: [{ email: 'user@example.com' }] },
)

export const PasswordReset = Type.Object(
  { token: MailToken, new_password: Password },
  {
    title: 'PasswordReset',
    additionalProperties: false,
    examples: [{ token: tokenExample, new_password: 'a new horse battery' }],
  },
)

export const PasswordChange = Type.Object(
  { current_password: Password, new_password: Password },
  {
    title: 'PasswordChange',
    additionalProperties: false,
    examples: [{ current_password: 'correct horse battery', new_password: 'a new horse battery' }],
  },
)

export const EmailConfirmation = Type.Object(
  { token: MailToken },
  { title: 'EmailConfirmation', additionalProperties: false, examples: [{ token: tokenExample }] },
)

const profileExample = {
  ...userExample,
  email_verified: true,
  pending_email: null,
}

export const Profile = Type.Object(
  {
    ...User.properties,
    email_verified: Type.Boolean({ description: 'Whether the user has confirmed the email' }),
    pending_email: Type.Union([Type.String(), Type.Null()], {
      description: 'A requested new email that is not confirmed yet',
    }),
  },
  { title: 'Profile', description: 'The user of the access token', examples: [profileExample] },
)

export const ProfileChange = Type.Object(
  {
    name: Type.Optional(Name),
    email: Type.Optional(NewEmail),
    current_password: Type.Optional(Password),
  },
  {
    title: 'ProfileChange',
    description: 'A new email needs the current password, and must be confirmed by a mail to it',
    additionalProperties: false,
    minProperties: 1,
    examples: [{ name: 'New Name', email: 'new@example.com', current_password: 'correct horse battery' }],
  },
)

export const AccountDeletion = Type.Object(
  { current_password: Password },
  {
    title: 'AccountDeletion',
    additionalProperties: false,
    examples: [{ current_password: 'correct horse battery' }],
  },
)

export const SessionList = Type.Object(
  {
    sessions: Type.Array(
      Type.Object({
        id: Type.String(),
        device: Type.Union([Type.String(), Type.Null()], { description: 'User-Agent of the login' }),
        address: Type.Union([Type.String(), Type.Null()], { description: 'Address of the login' }),
        client: Type.Optional(
          Type.String({ description: 'Name of the application, for a session of the OpenID provider' }),
        ),
        created_at: Type.String({ format: 'date-time' }),
        last_used_at: Type.String({ format: 'date-time' }),
        current: Type.Boolean({ description: 'Whether this is the session of the access token' }),
      }),
    ),
  },
  {
    title: 'SessionList',
    description: 'Active sessions, most recently used first; at most 100',
    examples: [
      {
        sessions: [
          {
            id: '7d0a4d57-8a1c-4a53-9f3a-1f6f6f3c2b10',
            device: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0',
            address: '192.0.2.7',
            created_at: '2026-11-02T08:00:00.000Z',
            last_used_at: '2026-11-24T09:30:00.000Z',
            current: true,
          },
        ],
      },
    ],
  },
)

export const SessionParameters = Type.Object({
  sid: Type.String({ minLength: 1, maxLength: 64, examples: ['7d0a4d57-8a1c-4a53-9f3a-1f6f6f3c2b10'] }),
})

export const IdentityList = Type.Object(
  {
    identities: Type.Array(
      Type.Object({
        id: Type.String(),
        provider: Type.String({ description: 'ID of the provider' }),
        name: Type.String({ description: 'Name of the provider' }),
        email: Type.Union([Type.String(), Type.Null()], { description: 'Email of the user at the provider' }),
        created_at: Type.String({ format: 'date-time' }),
        last_used_at: Type.String({ format: 'date-time' }),
      }),
    ),
  },
  {
    title: 'IdentityList',
    description: 'Accounts of other providers with which the user can log in, oldest first; at most 20',
    examples: [
      {
        identities: [
          {
            id: '0c9f0c5e-6a52-4c5e-8a0e-7f8b6d4a1e22',
            provider: 'google',
            name: 'Google',
            email: 'user@example.com',
            created_at: '2026-11-02T08:00:00.000Z',
            last_used_at: '2026-11-24T09:30:00.000Z',
          },
        ],
      },
    ],
  },
)

export const IdentityParameters = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64, examples: ['0c9f0c5e-6a52-4c5e-8a0e-7f8b6d4a1e22'] }),
})
