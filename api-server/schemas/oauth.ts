import Type from 'typebox'

export const formType = 'application/x-www-form-urlencoded'

const secretExample = 'hq3bGmWkq9cWb0p7Vf2l8sJr5tYx1uZ4oA6dN0eCiKw'
const tokenExample = 'eyJhbGciOiJFUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJhdCtqd3QifQ.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl'

/** The request of RFC 7662 section 2.1 and of RFC 7009 section 2.1: they are the same. */
export const TokenQuery = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 8_192, description: 'An access token or a refresh token' }),
    token_type_hint: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'access_token or refresh_token; the token is known without it as well',
      }),
    ),
    client_id: Type.Optional(Type.String({ maxLength: 64, description: 'With client_secret, instead of HTTP Basic' })),
    client_secret: Type.Optional(Type.String({ maxLength: 512 })),
  },
  {
    title: 'TokenQuery',
    examples: [{ token: tokenExample, client_id: 'gateway', client_secret: secretExample }],
  },
)

/** RFC 7662 section 2.2. */
export const Introspection = Type.Object(
  {
    active: Type.Boolean({ description: 'Whether the token is good now; if not, nothing else is said about it' }),
    token_use: Type.Optional(Type.Enum(['access', 'refresh'])),
    token_type: Type.Optional(Type.Literal('Bearer', { description: 'Of an access token' })),
    iss: Type.Optional(Type.String()),
    aud: Type.Optional(Type.String()),
    sub: Type.Optional(Type.String({ description: 'The id of the user' })),
    sid: Type.Optional(Type.String({ description: 'The id of the session' })),
    role: Type.Optional(Type.String()),
    jti: Type.Optional(Type.String()),
    iat: Type.Optional(Type.Integer()),
    nbf: Type.Optional(Type.Integer()),
    exp: Type.Optional(Type.Integer({ description: 'Seconds since 1970' })),
  },
  {
    title: 'Introspection',
    description: 'What is known about the token',
    examples: [
      {
        active: true,
        token_use: 'access',
        token_type: 'Bearer',
        iss: 'https://auth.example.com',
        aud: 'example-apps',
        sub: '66f0c0ffee0ddba11ca7f00d',
        sid: '7d0a4d57-8a1c-4a53-9f3a-1f6f6f3c2b10',
        role: 'user',
        jti: 'd1f6a8f0-65f7-4c15-8a4f-1b3c5d7e9f11',
        iat: 1_795_000_000,
        nbf: 1_795_000_000,
        exp: 1_795_000_900,
      },
    ],
  },
)

/** RFC 6749 section 5.2, with what every error of this server has. */
export const OAuthError = Type.Object(
  {
    error: Type.Enum(['invalid_request', 'invalid_client', 'temporarily_unavailable', 'server_error']),
    error_description: Type.String({ description: 'What happened and what to do, for a person' }),
    code: Type.String({ description: 'For a program: stable, and finer than error' }),
    request_id: Type.String({ description: 'Finds the request in the log of the server' }),
  },
  { title: 'OAuthError', description: 'An error (RFC 6749 section 5.2)' },
)
