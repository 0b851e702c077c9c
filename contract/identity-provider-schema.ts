import Type, { type Static } from 'typebox'
import { ApplicationRole } from './custom-claims.ts'

const strict = { additionalProperties: false }

const Uri = Type.String({ minLength: 1, maxLength: 2_048 })

/** A word of a list that is separated by spaces, such as a scope or a value of `acr`. */
const Word = Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,256}$' })

const ClaimName = Type.String({ pattern: '^[\\x21-\\x7e]{1,128}$' })
const ClaimValue = Type.Union([Type.String({ minLength: 1, maxLength: 256 }), Type.Boolean()])

const words = (maxItems: number) => Type.Optional(Type.Array(Word, { maxItems, uniqueItems: true }))

/** How the server proves to a provider who it is. */
const ProviderAuthenticationSchema = Type.Object(
  {
    method: Type.Literal('secret'),
    /** The secret that the provider has issued. Either this or `secretFile`. */
    secret: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 })),
    /** Path of a file that contains the secret. White space at its end does not count. */
    secretFile: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
  },
  strict,
)

/** Which application roles the groups of a user at a provider mean. */
const ApplicationRolesSchema = Type.Object(
  {
    /** A list of texts, or one text. */
    claim: ClaimName,
    /** Several roles for one value, and several values for one role, are several entries. */
    mappings: Type.Array(
      Type.Object({ value: Type.String({ minLength: 1, maxLength: 256 }), role: ApplicationRole }, strict),
      { minItems: 1, maxItems: 100 },
    ),
  },
  strict,
)

/** Who gets an account by a login at a provider. */
const userPolicies = ['JustInTime', 'LinkedOnly'] as const

/** Providers whose settings this server knows. */
const providerPresets = ['google', 'github'] as const

const IdentityProviderSchema = Type.Object(
  {
    /** Part of the redirect URI `/oauth/callback/ID`, and a label of metrics. No two providers have the same one. */
    id: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$' }),
    /** The name on the button "Continue with NAME". */
    name: Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{1,64}$' }),
    /**
     * `google`: the issuer of Google. `github`: OAuth 2.0 and the REST API of GitHub, or of the GitHub Enterprise Server
     * at `issuer`. Without it: OpenID Connect.
     */
    preset: Type.Optional(Type.Enum(providerPresets)),
    /** The `iss` of the provider, an https URL, with its metadata at `/.well-known/openid-configuration`. */
    issuer: Type.Optional(Uri),
    /** The `client_id` that the provider has issued. */
    clientId: Type.String({ minLength: 1, maxLength: 512 }),
    authentication: ProviderAuthenticationSchema,
    /** Default: `openid`, `profile` and `email`; for GitHub `read:user` and `user:email`. */
    scopes: words(20),
    /** The server sends users whose email has one of these domains to this provider. In lower case. */
    domains: Type.Optional(
      Type.Array(
        Type.String({ pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$', maxLength: 253 }),
        {
          maxItems: 100,
          uniqueItems: true,
        },
      ),
    ),
    /** Whether users with these domains may log in with a password, too. Default: true. */
    passwordLogin: Type.Optional(Type.Boolean()),
    /**
     * `JustInTime`, the default: the first login creates an account, if the provider has verified the email and no
     * account has it. `LinkedOnly`: only users who have linked their account can log in.
     */
    users: Type.Optional(Type.Enum(userPolicies)),
    /** Each login gives the user the role `admin` if the claim has one of these values, and otherwise `user`. */
    role: Type.Optional(
      Type.Object({ claim: ClaimName, admin: Type.Array(ClaimValue, { minItems: 1, maxItems: 100 }) }, strict),
    ),
    /** The user has the application role of each value that the claim had at their last login at the provider. */
    applicationRoles: Type.Optional(ApplicationRolesSchema),
    /** A login needs one of the values of each of these claims, such as `{"hd": ["example.com"]}`. */
    requiredClaims: Type.Optional(Type.Record(ClaimName, Type.Array(ClaimValue, { minItems: 1, maxItems: 100 }))),
    /** The parameter `acr_values` of the request. OpenID Connect Core section 3.1.2.1. */
    acrValues: words(10),
    /**
     * A login with one of these values of `amr` or `acr` counts as one with two factors. Without it, users with a second
     * factor present it here.
     */
    secondFactor: Type.Optional(Type.Object({ amr: words(20), acr: words(20) }, strict)),
  },
  strict,
)

/** The schema of the file. */
export const IdentityProviderFileSchema = Type.Object(
  { version: Type.Literal(1), providers: Type.Array(IdentityProviderSchema, { maxItems: 20 }) },
  strict,
)

/** A provider at which users of the server may log in. */
export type IdentityProvider = Static<typeof IdentityProviderSchema>

/** The value of a claim that the settings name. */
export type ProviderClaimValue = Static<typeof ClaimValue>

/** The file with the providers, which the operator writes and the server reads. */
export type IdentityProviderFile = Static<typeof IdentityProviderFileSchema>
