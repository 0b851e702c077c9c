import Type from 'typebox'

export const formType = 'application/x-www-form-urlencoded'

const secretExample = 'hq3bGmWkq9cWb0p7Vf2l8sJr5tYx1uZ4oA6dN0eCiKw'
const tokenExample = 'eyJhbGciOiJFUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJhdCtqd3QifQ.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl'

/** The request of RFC 7662 section 2.1 and of RFC 7009 section 2.1, which are the same. */
export const TokenQuery = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 8_192, description: 'An access token or a refresh token' }),
    token_type_hint: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'access_token or refresh_token; not required',
      }),
    ),
    client_id: Type.Optional(
      Type.String({ maxLength: 128, description: 'Together with client_secret, instead of HTTP Basic' }),
    ),
    client_secret: Type.Optional(Type.String({ maxLength: 512 })),
    client_assertion_type: Type.Optional(
      Type.String({ maxLength: 64, description: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }),
    ),
    client_assertion: Type.Optional(
      Type.String({
        maxLength: 8_192,
        description:
          'A JWT that the client has signed, or the token of a ServiceAccount, instead of a secret (RFC 7523)',
      }),
    ),
  },
  {
    title: 'TokenQuery',
    examples: [{ token: tokenExample, client_id: 'gateway', client_secret: secretExample }],
  },
)

/** RFC 7662 section 2.2. */
export const Introspection = Type.Object(
  {
    active: Type.Boolean({ description: 'Whether the token is valid now; if not, the response has no other members' }),
    token_use: Type.Optional(Type.Enum(['access', 'refresh'])),
    token_type: Type.Optional(Type.Enum(['Bearer', 'DPoP'], { description: 'Of an access token' })),
    iss: Type.Optional(Type.String()),
    aud: Type.Optional(Type.String()),
    sub: Type.Optional(Type.String({ description: 'User ID, or the client ID of a token of a client itself' })),
    sid: Type.Optional(Type.String({ description: 'Session ID; not for a token of a client itself' })),
    role: Type.Optional(Type.String()),
    roles: Type.Optional(Type.Array(Type.String(), { description: 'Application roles of the user' })),
    jti: Type.Optional(Type.String()),
    iat: Type.Optional(Type.Integer()),
    nbf: Type.Optional(Type.Integer()),
    exp: Type.Optional(Type.Integer({ description: 'Seconds since 1970' })),
    scope: Type.Optional(Type.String({ description: 'For a token of the OpenID provider' })),
    client_id: Type.Optional(Type.String({ description: 'For a token of the OpenID provider' })),
    cnf: Type.Optional(
      Type.Object(
        { jkt: Type.String() },
        { description: 'Thumbprint of the key that the token is bound to: demand a proof of it (RFC 9449)' },
      ),
    ),
    amr: Type.Optional(Type.Array(Type.String(), { description: 'How the user authenticated (RFC 8176)' })),
    acr: Type.Optional(Type.String({ description: 'aal1: one factor; aal2: two (RFC 9470)' })),
    auth_time: Type.Optional(Type.Integer({ description: 'Time of the last authentication, seconds since 1970' })),
  },
  {
    title: 'Introspection',
    description: 'State and claims of the token. Custom claims are additional members',
    additionalProperties: true,
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

/** RFC 6749 section 5.2, with the additional members of all errors of this server. */
export const OAuthError = Type.Object(
  {
    error: Type.Enum([
      'invalid_request',
      'invalid_client',
      'unsupported_token_type',
      'temporarily_unavailable',
      'server_error',
    ]),
    error_description: Type.String({ description: 'What happened and what to do, for people' }),
    code: Type.String({ description: 'Stable code for programs, more specific than error' }),
    request_id: Type.String({ description: 'Identifies the request in the server log' }),
  },
  { title: 'OAuthError', description: 'An error (RFC 6749 section 5.2)' },
)
