import Type, { type Static } from 'typebox'
import { ClientClaims, UserClaimNames } from './custom-claims.ts'

/** A scope token: printable ASCII without space, `"` and `\`. RFC 6749 section 3.3. */
const Scope = Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,128}$' })

const Uri = Type.String({ minLength: 1, maxLength: 2_048 })

/** SHA-256 in hex. */
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

const seconds = (minimum: number, maximum: number) => Type.Optional(Type.Integer({ minimum, maximum }))

/**
 * A set of public keys, RFC 7517 section 5. `oidc-client-rules.ts` refuses private and symmetric keys. Members that a
 * key has beside these stay.
 */
const PublicKeySetSchema = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.String(),
      kid: Type.Optional(Type.String()),
      alg: Type.Optional(Type.String()),
      use: Type.Optional(Type.String()),
      crv: Type.Optional(Type.String()),
      x: Type.Optional(Type.String()),
      y: Type.Optional(Type.String()),
      n: Type.Optional(Type.String()),
      e: Type.Optional(Type.String()),
    }),
    { minItems: 1, maxItems: 20 },
  ),
})

const strict = { additionalProperties: false }

/** How a client proves who it is at the endpoints that it calls itself. */
const ClientAuthenticationSchema = Type.Union([
  Type.Object(
    {
      method: Type.Literal('secret'),
      /** Hashes of the current secret, and during a rotation of another one. A secret has 256 random bits. */
      secretHashes: Type.Array(Sha256, { minItems: 1, maxItems: 2 }),
    },
    strict,
  ),
  Type.Object(
    {
      /** A JWT that the client signs. RFC 7523 section 2.2. */
      method: Type.Literal('private_key_jwt'),
      /** The public keys of the client. Either these or `jwksUri`. */
      jwks: Type.Optional(PublicKeySetSchema),
      /** An https URL from which the server reads the public keys of the client. */
      jwksUri: Type.Optional(Uri),
    },
    strict,
  ),
  /** A public client: a single-page, mobile or command-line application, which cannot keep a secret. */
  Type.Object({ method: Type.Literal('none') }, strict),
  Type.Object(
    {
      /** A projected token of a Kubernetes ServiceAccount as client assertion. RFC 7523 section 2.2. */
      method: Type.Literal('serviceAccount'),
      /** The `iss` of the token, an https URL. Its keys are in `serviceAccountIssuers`. */
      issuer: Uri,
      /** The accepted `sub`: `system:serviceaccount:NAMESPACE:NAME`. */
      subjects: Type.Array(Type.String({ pattern: '^system:serviceaccount:[a-z0-9-]{1,63}:[a-z0-9.-]{1,253}$' }), {
        minItems: 1,
        maxItems: 20,
      }),
      /** The `aud` that the token must name. */
      audience: Type.String({ minLength: 1, maxLength: 512 }),
    },
    strict,
  ),
])

/** The grants that a client may use. RFC 6749, RFC 8628. Implicit and password grant do not exist (RFC 9700). */
const clientGrants = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
] as const

/** Scopes of OpenID Connect Core section 5.4, about the user. Scopes of APIs are listed with their resource. */
export const identityScopes = ['openid', 'profile', 'email', 'offline_access'] as const

/** Algorithms by which a client of the FAPI 2.0 Security Profile signs. Section 5.4.1. */
export const fapiAlgorithms = ['PS256', 'ES256', 'EdDSA'] as const

const OidcClientSchema = Type.Object(
  {
    /** The `client_id`. No two clients of a file have the same one. */
    id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    /** The name that users see when they are asked for consent. */
    name: Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{1,64}$' }),
    /**
     * When the client was created, in UTC. An earlier session belongs to another client that had the same ID, and goes no
     * further. Default: the client owns all sessions with its ID.
     */
    createdAt: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' })),
    /**
     * `native`: runs on the device of its user, and may redirect to a loopback address or a scheme of its own (RFC
     * 8252). `web`, the default: only https.
     */
    type: Type.Optional(Type.Enum(['web', 'native'])),
    /** Whether the client has the same owner as the server: then users are not asked for consent. Default: false. */
    firstParty: Type.Optional(Type.Boolean()),
    /** Compared character by character. A native client may add any port to a loopback address (RFC 8252 section 7.3). */
    redirectUris: Type.Optional(Type.Array(Uri, { maxItems: 50 })),
    /** Where a browser may go after a logout. OpenID Connect RP-Initiated Logout 1.0 section 3.1. */
    postLogoutRedirectUris: Type.Optional(Type.Array(Uri, { maxItems: 50 })),
    /** Receives logout tokens. OpenID Connect Back-Channel Logout 1.0 section 2.2. */
    backchannelLogoutUri: Type.Optional(Uri),
    grants: Type.Array(Type.Enum(clientGrants), { minItems: 1, uniqueItems: true }),
    /** Scopes about the user that the client may ask for. */
    scopes: Type.Optional(Type.Array(Type.Enum(identityScopes), { uniqueItems: true })),
    /** APIs that the client may ask tokens for, with the scopes that it may have there. RFC 8707. */
    resources: Type.Optional(
      Type.Array(
        Type.Object(
          {
            /** The `resource` parameter and the `aud` of the token: an absolute URI. */
            uri: Uri,
            scopes: Type.Optional(Type.Array(Scope, { maxItems: 100, uniqueItems: true })),
            /** Custom claims and `roles` of users that their access tokens for this API carry. */
            userClaims: Type.Optional(UserClaimNames),
          },
          strict,
        ),
        { maxItems: 50 },
      ),
    ),
    /** Custom claims and `roles` of users that the client gets in ID tokens and from userinfo. */
    userClaims: Type.Optional(UserClaimNames),
    /** Custom claims of the client itself: in its ID tokens, and in the access tokens that it gets for itself. */
    claims: Type.Optional(ClientClaims),
    /** In seconds. The server uses the lower one of these and of its own. Default: its own. */
    lifetimes: Type.Optional(
      Type.Object(
        {
          accessToken: seconds(60, 86_400),
          idToken: seconds(60, 86_400),
          /** Time without a refresh after which the session ends. */
          refreshTokenIdle: seconds(60, 31_536_000),
          /** Maximum lifetime of the session. */
          refreshTokenAbsolute: seconds(60, 31_536_000),
        },
        strict,
      ),
    ),
    authentication: ClientAuthenticationSchema,
    /**
     * Whether authorizations need PKCE. Default: true. `false` is for confidential clients whose library does not know it:
     * RFC 9700 section 2.1.1 recommends it for them.
     */
    requirePkce: Type.Optional(Type.Boolean()),
    /** Whether the client gets only access tokens that are bound to a key of it. RFC 9449 section 5.2. Default: false. */
    dpopBoundAccessTokens: Type.Optional(Type.Boolean()),
    /** Whether the client has to follow the FAPI 2.0 Security Profile. Default: false. */
    fapi: Type.Optional(Type.Boolean()),
  },
  strict,
)

const ServiceAccountIssuerSchema = Type.Object(
  {
    /** The `iss` of the tokens. */
    issuer: Uri,
    jwks: PublicKeySetSchema,
  },
  strict,
)

/** Maximum length of the certificates in a file of clients. */
export const mostLogoutCaCharacters = 65_536

/** The schema of the file. */
export const OidcClientFileSchema = Type.Object(
  {
    version: Type.Literal(1),
    clients: Type.Array(OidcClientSchema, { maxItems: 5_000 }),
    /** Issuers of ServiceAccount tokens with their keys. The clients of an issuer that is missing are refused. */
    serviceAccountIssuers: Type.Optional(Type.Array(ServiceAccountIssuerSchema, { maxItems: 20 })),
    /**
     * The only hosts to which the server sends logout tokens, and never at a loopback address. Without this list, the
     * author of the file is trusted with every URI in it. Decision 90.
     */
    logoutReceivers: Type.Optional(
      Type.Array(
        Type.Object(
          {
            /** A name, an IPv4 address, or an IPv6 address without brackets. */
            host: Type.String({ minLength: 1, maxLength: 253 }),
            port: Type.Integer({ minimum: 1, maximum: 65_535 }),
          },
          strict,
        ),
        { maxItems: 100 },
      ),
    ),
    /** Certificates in PEM that the server trusts, besides public CAs, when it sends logout tokens. */
    logoutCa: Type.Optional(Type.String({ minLength: 1, maxLength: mostLogoutCaCharacters })),
  },
  strict,
)

/** An application that logs users in, or that gets tokens for itself. */
export type OidcClient = Static<typeof OidcClientSchema>

/** Public keys. RFC 7517 section 5. */
export type PublicKeySet = Static<typeof PublicKeySetSchema>

/** The file with the clients of the OpenID provider, which the operator writes and the server reads. */
export type OidcClientFile = Static<typeof OidcClientFileSchema>
