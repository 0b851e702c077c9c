import Type from 'typebox'

/** RFC 7517 section 5. */
export const KeySet = Type.Object(
  { keys: Type.Array(Type.Object({}, { additionalProperties: true })) },
  {
    title: 'KeySet',
    description: 'Public keys; empty if tokens are signed with a secret (HS256)',
    examples: [
      {
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
            y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
            kid: '1',
            alg: 'ES256',
            use: 'sig',
          },
        ],
      },
    ],
  },
)

/** RFC 8414 section 2. */
export const ServerMetadata = Type.Object(
  {
    issuer: Type.String(),
    jwks_uri: Type.String(),
    response_types_supported: Type.Array(Type.String(), {
      description: 'Empty, because there is no authorization endpoint',
    }),
    grant_types_supported: Type.Array(Type.String(), {
      description: 'Empty, because users log in with /v1/auth/login',
    }),
    introspection_endpoint: Type.String(),
    introspection_endpoint_auth_methods_supported: Type.Array(Type.String()),
    revocation_endpoint: Type.String(),
    revocation_endpoint_auth_methods_supported: Type.Array(Type.String()),
  },
  {
    title: 'ServerMetadata',
    description: 'Authorization server metadata',
    examples: [
      {
        issuer: 'https://auth.example.com',
        jwks_uri: 'https://auth.example.com/.well-known/jwks.json',
        response_types_supported: [],
        grant_types_supported: [],
        introspection_endpoint: 'https://auth.example.com/oauth/introspect',
        introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        revocation_endpoint: 'https://auth.example.com/oauth/revoke',
        revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      },
    ],
  },
)
