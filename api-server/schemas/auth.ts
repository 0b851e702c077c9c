import Type from 'typebox'

/** Of an existing account, in any form. `canonicalEmail` converts it. */
export const Email = Type.String({
  minLength: 1,
  maxLength: 1_024,
  description: 'Compared without case and surrounding white space',
  examples: ['user@example.com'],
})

/** A new email. `isMailbox` checks it further. */
export const NewEmail = Type.String({
  maxLength: 320,
  pattern: '^\\s*[^\\s@<>"(),:;\\[\\]\\\\]{1,64}@[^\\s@<>"(),:;\\[\\]\\\\.]+(\\.[^\\s@<>"(),:;\\[\\]\\\\.]+)+\\s*$',
  description: 'Address of one mailbox. Stored in lower case, without surrounding white space',
  examples: ['user@example.com'],
})

/** Its length in bytes is checked separately, with its own error. */
export const Password = Type.String({
  minLength: 1,
  maxLength: 1_024,
  description: '12 to 72 bytes of UTF-8',
  examples: ['correct horse battery'],
})

export const Registration = Type.Object(
  { email: NewEmail, password: Password, name: Type.String({ minLength: 1, maxLength: 200, examples: ['User Name'] }) },
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

const RefreshRequest = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 512 }) },
  { title: 'RefreshRequest', additionalProperties: false, examples: [{ refresh_token: refreshTokenExample }] },
)

/** The user of every example. */
export const userExample = {
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
    created_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'null if another program wrote a value that is not a time',
    }),
    last_login: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  },
  { title: 'User', description: 'The user', examples: [userExample] },
)

export const tokenPairExample = {
  access_token: 'eyJhbGciOiJFUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJhdCtqd3QifQ.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl',
  token_type: 'Bearer',
  expires_in: 900,
  refresh_token: refreshTokenExample,
}

const csrfTokenExample = 'Zk9bXvQ2-5d1c2v1cGk8eJ0x3m8JrYw6kQzYpJpQ2vE'

export const accessTokenMembers = {
  access_token: Type.String({ description: 'A JWT (RFC 9068): send it as Authorization: Bearer …' }),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds until the access token expires' }),
}

const refreshTokenMember = { refresh_token: Type.String({ description: 'Opaque; valid for one refresh' }) }

const csrfTokenMember = { csrf_token: Type.String({ description: 'Send it as X-CSRF-Token together with the cookie' }) }

/** The response to a refresh: RFC 6749 section 5.1. In cookie mode, the refresh token is only in its cookie. */
export function tokenPair(cookieMode: boolean) {
  const { refresh_token, ...withoutRefreshToken } = tokenPairExample
  const options = { title: 'TokenPair', description: 'New tokens' }
  return cookieMode
    ? Type.Object(accessTokenMembers, { ...options, examples: [withoutRefreshToken] })
    : Type.Object({ ...accessTokenMembers, ...refreshTokenMember }, { ...options, examples: [tokenPairExample] })
}

/** The members of a response to a login. In cookie mode, the refresh token is only in its cookie. */
export function loginMembers(cookieMode: boolean) {
  return cookieMode
    ? { ...accessTokenMembers, ...csrfTokenMember, user: User }
    : { ...accessTokenMembers, ...refreshTokenMember, user: User }
}

/** The response to a login: the same, with the user. */
export function loginResponse(cookieMode: boolean) {
  const { refresh_token, ...withoutRefreshToken } = tokenPairExample
  const example = cookieMode
    ? { ...withoutRefreshToken, csrf_token: csrfTokenExample, user: userExample }
    : { ...tokenPairExample, user: userExample }
  return Type.Object(loginMembers(cookieMode), { title: 'Login', description: 'Logged in', examples: [example] })
}

export const CsrfToken = Type.Object(csrfTokenMember, {
  title: 'CsrfToken',
  description: 'A CSRF token',
  examples: [{ csrf_token: csrfTokenExample }],
})

/** In cookie mode, the body is optional. */
export function refreshRequest(cookieMode: boolean) {
  return cookieMode ? Type.Union([RefreshRequest, Type.Null()], { examples: [null] }) : RefreshRequest
}

/** Body and refresh token are optional, because the access token also identifies the session. */
export const logoutRequest = Type.Union(
  [
    Type.Object(
      { refresh_token: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })) },
      { title: 'LogoutRequest', examples: [{ refresh_token: refreshTokenExample }] },
    ),
    Type.Null(),
  ],
  { examples: [null] },
)

/** A response without a body. */
export function noContent(description: string) {
  return Type.Null({ description })
}
