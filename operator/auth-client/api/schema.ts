import Type, { type Static } from 'typebox'
import { ClientClaimsSchema, userClaimNames } from '../../authservice/api/claim-names.ts'
import { duration, flag, labelName, listSet, objectName, type Rule, text } from '../../authservice/api/fields.ts'
import { notLonger } from '../../authservice/api/rules.ts'
import { between } from '../../authservice/api/spec/duration-bounds.ts'
import { AuthenticationSchema } from './authentication.ts'
import { fapiRules } from './fapi.ts'
import { grantRules, grants } from './grants.ts'
import { apiVersion, kind, maxNameLength } from './group.ts'
import { pkceRules } from './pkce.ts'
import { ResourcesSchema } from './resources.ts'
import { AuthClientStatusSchema } from './status.ts'

const scopes = ['openid', 'profile', 'email', 'offline_access'] as const

const uri = (description: string, rules: Rule[] = [], more: { defaultText?: string } = {}) =>
  Type.String({
    minLength: 1,
    maxLength: 512,
    description,
    ...more,
    rules: [
      { rule: "!self.contains('*')", message: 'a wildcard (*) would let others receive codes: list each URI' },
      { rule: "!self.contains('#')", message: 'browsers do not send a fragment (#): write the URI without it' },
      {
        rule: "self.matches('^[a-z][a-z0-9+.-]*:[^ ]+$')",
        message: 'write an absolute URI, such as https://app.example.com/callback',
      },
      ...rules,
    ] satisfies Rule[],
  })

const LifetimesSchema = Type.Object(
  {
    accessToken: Type.Optional(
      duration({
        description: 'Lifetime of an access token.',
        rules: [between([60, '1m'], [86_400, '24h'])],
        defaultText: '`tokens.accessTokenLifetime` of the AuthService',
      }),
    ),
    idToken: Type.Optional(
      duration({
        description: 'Lifetime of an ID token.',
        rules: [between([60, '1m'], [86_400, '24h'])],
        defaultText: '`1h`',
      }),
    ),
    refreshTokenIdle: Type.Optional(
      duration({
        description: 'Time without a refresh after which the session ends.',
        rules: [between([60, '1m'], [86_400 * 365, '365d'])],
        defaultText: '`tokens.refreshTokenIdleLifetime` of the AuthService',
      }),
    ),
    refreshTokenAbsolute: Type.Optional(
      duration({
        description: 'Maximum lifetime of the session.',
        rules: [between([60, '1m'], [86_400 * 365, '365d'])],
        defaultText: '`tokens.refreshTokenAbsoluteLifetime` of the AuthService',
      }),
    ),
  },
  {
    description: 'Lifetimes of tokens. A server uses the shorter one of these and of its own.',
    rules: [
      {
        rule: `!has(self.refreshTokenIdle) || !has(self.refreshTokenAbsolute) || ${notLonger('self.refreshTokenIdle', 'self.refreshTokenAbsolute')}`,
        message: 'refreshTokenIdle is longer than refreshTokenAbsolute: write a shorter one',
        fieldPath: '.refreshTokenIdle',
      },
    ],
  },
)

const isNative = "has(self.type) && self.type == 'Native'"
/** RFC 8252 section 7.3. */
const isLoopback = "uri.matches('^http://(127[.]0[.]0[.]1|\\\\[::1\\\\]|localhost)([:/?]|$)')"
/** RFC 8252 section 7.1. */
const isOwnScheme = "uri.matches('^[a-z][a-z0-9+-]*[.][a-z0-9+.-]+:')"

const uriRules = (field: string): Rule[] => [
  {
    rule: `!has(self.${field}) || ${isNative} || self.${field}.all(uri, uri.startsWith('https://'))`,
    message: `plain http and other schemes are only for clients of type Native: write ${field} as https://…`,
    fieldPath: `.${field}`,
  },
  {
    rule: `!has(self.${field}) || !(${isNative}) || self.${field}.all(uri, uri.startsWith('https://') || ${isLoopback} || ${isOwnScheme})`,
    message: `write ${field} as https://…, http://127.0.0.1/…, or with a domain of yours in reverse order as scheme, such as com.example.app:/callback`,
    fieldPath: `.${field}`,
  },
]

const AuthClientSpecSchema = Type.Object(
  {
    authServiceRef: Type.Object(
      {
        name: objectName({ description: 'Name of the AuthService.' }),
        namespace: Type.Optional(
          labelName({
            description: 'Namespace of the AuthService, which must admit this one by `oidc.clientNamespaces`.',
            defaultText: 'the namespace of the AuthClient',
          }),
        ),
      },
      { description: 'The AuthService that logs users in and issues the tokens.' },
    ),
    displayName: Type.Optional(
      text(64, {
        pattern: '^[^\\x00-\\x1f\\x7f]+$',
        description: 'Name that users see when they are asked for consent, and in the list of their sessions.',
        defaultText: '`metadata.name`',
      }),
    ),
    type: Type.Optional(
      Type.Enum(['Web', 'Native'], {
        description:
          '`Native`: runs on the device of its user, and may redirect to a loopback address or a scheme of its own (RFC 8252).',
        defaultText: '`Web`',
      }),
    ),
    firstParty: Type.Optional(
      flag({
        description:
          'Whether it has the same owner as the AuthService: then users are not asked for consent, unless its type is `Native`.',
        defaultText: '`false`',
      }),
    ),
    dpopBoundAccessTokens: Type.Optional(
      flag({
        description:
          'Whether the client gets only access tokens that are bound to a key of it (DPoP, RFC 9449). It can have such tokens in any case.',
        defaultText: '`false`',
      }),
    ),
    fapi: Type.Optional(
      flag({
        description:
          'Whether the client has to follow the FAPI 2.0 Security Profile: pushed authorization requests, the method `PrivateKeyJWT`, and tokens that are bound to a key of it.',
        defaultText: '`false`',
      }),
    ),
    requirePkce: Type.Optional(
      flag({
        description:
          'Whether each login needs PKCE (RFC 7636). `false` is for a client with a secret or key of its own whose library does not know PKCE.',
        defaultText: '`true`',
      }),
    ),
    redirectUris: Type.Optional(
      Type.Array(uri('A URI to which browsers return with a code.'), {
        ...listSet,
        minItems: 1,
        maxItems: 20,
        description:
          'Where browsers return after a login. Compared character by character; a native client may add any port to a loopback address.',
        defaultText: 'none; required with the grant `authorization_code`',
      }),
    ),
    postLogoutRedirectUris: Type.Optional(
      Type.Array(uri('A URI to which browsers may go.'), {
        ...listSet,
        maxItems: 20,
        description: 'Where browsers may go after a logout.',
        defaultText: 'none',
      }),
    ),
    backchannelLogoutUri: Type.Optional(
      uri(
        'Receives a logout token when a session of the client ends (OpenID Connect Back-Channel Logout 1.0). `oidc.backchannelLogout.receivers` of the AuthService must list its host and port.',
        [{ rule: "self.startsWith('https://')", message: 'write backchannelLogoutUri as https://…' }],
        { defaultText: 'none' },
      ),
    ),
    grants: Type.Optional(
      Type.Array(Type.Enum([...grants]), {
        ...listSet,
        minItems: 1,
        maxItems: grants.length,
        description:
          'Grants that the client may use. `authorization_code`: users log in with a browser. `device_code`: users connect a device without a browser (RFC 8628). `refresh_token`: the sessions that these begin go on. `client_credentials`: the client gets tokens for itself.',
        defaultText: '`[authorization_code, refresh_token]`',
      }),
    ),
    scopes: Type.Optional(
      Type.Array(Type.Enum([...scopes]), {
        ...listSet,
        minItems: 1,
        maxItems: scopes.length,
        description: 'Scopes about the user that the client may ask for.',
        defaultText: '`[openid, profile, email]`; none if the only grant is `client_credentials`',
      }),
    ),
    resources: Type.Optional(ResourcesSchema),
    userClaims: Type.Optional(
      userClaimNames({
        description: 'Custom claims and `roles` of users that the client gets in ID tokens and from userinfo.',
        defaultText: 'none',
      }),
    ),
    claims: Type.Optional(ClientClaimsSchema),
    lifetimes: Type.Optional(LifetimesSchema),
    authentication: Type.Optional(AuthenticationSchema),
  },
  {
    description: 'Desired state of the client. It has at most 8,192 bytes as JSON.',
    rules: [
      ...uriRules('redirectUris'),
      ...uriRules('postLogoutRedirectUris'),
      ...grantRules,
      ...fapiRules,
      ...pkceRules,
    ],
  },
)

/** The single source of the API of AuthClients. The types, the CustomResourceDefinition and the reference derive from it. */
export const AuthClientSchema = Type.Object(
  {
    apiVersion: Type.Literal(apiVersion),
    kind: Type.Literal(kind),
    metadata: Type.Object({
      name: Type.String(),
      namespace: Type.String(),
      uid: Type.String(),
      generation: Type.Integer(),
      resourceVersion: Type.Optional(Type.String()),
      creationTimestamp: Type.Optional(Type.String()),
      deletionTimestamp: Type.Optional(Type.String()),
      annotations: Type.Optional(Type.Unsafe<Record<string, string>>({ type: 'object' })),
    }),
    spec: AuthClientSpecSchema,
    status: Type.Optional(AuthClientStatusSchema),
  },
  {
    description:
      'An application that logs its users in at an AuthService by OpenID Connect, or that gets tokens for itself.',
    rules: [
      {
        rule: `size(self.metadata.name) <= ${maxNameLength}`,
        message: `the name of an AuthClient must have at most ${maxNameLength} characters, because it is a part of the client ID: choose a shorter name`,
      },
    ],
  },
)

/** An AuthClient as the API server returns it. */
export type AuthClient = Static<typeof AuthClientSchema>
