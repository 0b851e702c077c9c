import Type from 'typebox'

export const Email = Type.String({
  maxLength: 254,
  pattern: '^[^\\s@]{1,64}@[^\\s@.]+(\\.[^\\s@.]+)+$',
  description: 'Compared without regard to case',
  examples: ['user@example.com'],
})

/** Its length is checked in bytes, with an answer of its own. */
export const Password = Type.String({
  minLength: 1,
  maxLength: 1_024,
  description: '12 to 72 bytes of UTF-8',
  examples: ['correct horse battery'],
})

export const Registration = Type.Object(
  { email: Email, password: Password, name: Type.String({ minLength: 1, maxLength: 200, examples: ['User Name'] }) },
  {
    title: 'Registration',
    additionalProperties: false,
    examples: [{ email: 'user@example.com', password: 'correct horse battery', name: 'User Name' }],
  },
)

export const Credentials = Type.Object(
  { email: Email, password: Password },
  {
    title: 'Credentials',
    additionalProperties: false,
    examples: [{ email: 'user@example.com', password: 'correct horse battery' }],
  },
)

const refreshTokenExample = 'qL0Nv3XyGmT1b5cJw7rZsPz0fHk2dQ9uA4eV6iO8yBk'

export const RefreshRequest = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 512 }) },
  { title: 'RefreshRequest', additionalProperties: false, examples: [{ refresh_token: refreshTokenExample }] },
)

const userExample = {
  id: '66f0c0ffee0ddba11ca7f00d',
  email: 'user@example.com',
  name: 'User Name',
  role: 'user',
  created_at: '2026-11-02T08:00:00.000Z',
  last_login: '2026-11-24T09:30:00.000Z',
}

export const User = Type.Object(
  {
    id: Type.String(),
    email: Type.String(),
    name: Type.String(),
    role: Type.Enum(['admin', 'user']),
    created_at: Type.String({ format: 'date-time' }),
    last_login: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  },
  { title: 'User', description: 'The user', examples: [userExample] },
)

const tokenPairExample = {
  access_token: 'eyJhbGciOiJFUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJhdCtqd3QifQ.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl',
  token_type: 'Bearer',
  expires_in: 900,
  refresh_token: refreshTokenExample,
}

const tokenPairMembers = {
  access_token: Type.String({ description: 'A JWT (RFC 9068): send it as Authorization: Bearer …' }),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds until the access token expires' }),
  refresh_token: Type.String({ description: 'Opaque; good for one refresh' }),
}

/** RFC 6749 section 5.1. */
export const TokenPair = Type.Object(tokenPairMembers, {
  title: 'TokenPair',
  description: 'New tokens',
  examples: [tokenPairExample],
})

/** The same, with the user. */
export const Login = Type.Object(
  { ...tokenPairMembers, user: User },
  { title: 'Login', description: 'Logged in', examples: [{ ...tokenPairExample, user: userExample }] },
)

/** An answer without a body. */
export function noContent(description: string) {
  return Type.Null({ description })
}
