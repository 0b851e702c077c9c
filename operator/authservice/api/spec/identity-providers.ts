import { accountRoles, rolePattern } from '@authservice-operator/contract/custom-claims.ts'
import Type from 'typebox'
import { flag, listAtomic, listSet, type Rule, secretKeyRef, text } from '../fields.ts'

/** A word of a list that is separated by spaces, such as a scope. */
const word = (description: string) =>
  Type.String({ minLength: 1, maxLength: 256, pattern: '^[!#-\\[\\]-~]+$', description })

const words = (maxItems: number, item: string, description: string, defaultText: string) =>
  Type.Optional(Type.Array(word(item), { ...listSet, maxItems, minItems: 1, description, defaultText }))

const claimName = (description: string) =>
  Type.String({ minLength: 1, maxLength: 128, pattern: '^[!-~]+$', description })

const claimValues = (description: string) =>
  Type.Array(text(256, { description: 'Value, compared as text.' }), {
    ...listSet,
    minItems: 1,
    maxItems: 100,
    description,
  })

const RequiredClaimSchema = Type.Object(
  { claim: claimName('Name of the claim.'), values: claimValues('Values of which the claim must have one.') },
  { description: 'A claim.' },
)

const MappingSchema = Type.Object(
  {
    value: text(256, { description: 'Value of the claim, such as the name of a group.' }),
    role: text(64, {
      pattern: rolePattern,
      description: 'Application role.',
      rules: [
        {
          rule: `!(self.lowerAscii() in [${[...accountRoles].map((role) => `'${role}'`).join(', ')}])`,
          message: 'admin and user are roles of accounts: write role.adminValues, or choose another name',
        },
      ],
    }),
  },
  { description: 'A value and a role.' },
)

const ApplicationRolesSchema = Type.Object(
  {
    claim: claimName('Name of the claim with the groups of a user, such as `groups`: a list of texts, or one text.'),
    mappings: Type.Array(MappingSchema, {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['value', 'role'],
      minItems: 1,
      maxItems: 100,
      description: 'Roles by values of the claim. Other values mean no role.',
    }),
  },
  {
    description:
      'Application roles by the groups of a user at the provider. Each login there replaces the roles that the previous one gave. Roles that administrators give stay.',
    defaultText: 'none: logins give no application roles',
  },
)

const isGitHub = "has(self.preset) && self.preset == 'GitHub'"

const IdentityProviderSchema = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 32,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      description: 'Name, which is part of the redirect URI: `https://HOST/oauth/callback/NAME`.',
    }),
    displayName: Type.Optional(
      text(64, { description: 'Name on the button “Continue with …”.', defaultText: 'the name' }),
    ),
    preset: Type.Optional(
      Type.Enum(['Google', 'GitHub'], {
        description: 'Known provider. `GitHub` with `issuer` is a GitHub Enterprise Server.',
        defaultText: 'none: OpenID Connect',
      }),
    ),
    issuer: Type.Optional(
      Type.String({
        minLength: 9,
        maxLength: 1024,
        pattern: '^https://[^\\s?#@]+$',
        description:
          'Issuer of the provider, as its metadata at `/.well-known/openid-configuration` name it, such as `https://id.example.com/realms/staff`.',
        defaultText: 'that of the preset; required without one',
      }),
    ),
    clientID: text(512, { description: 'Client ID that the provider has issued.' }),
    clientSecretRef: secretKeyRef({ description: 'Secret key with the client secret that the provider has issued.' }),
    scopes: words(
      20,
      'Scope.',
      'Scopes that the servers ask for.',
      '`openid`, `profile` and `email`; with `preset: GitHub`: `read:user` and `user:email`',
    ),
    domains: Type.Optional(
      Type.Array(
        Type.String({
          minLength: 3,
          maxLength: 253,
          pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$',
          description: 'Domain in lower case, such as `example.com`.',
        }),
        {
          ...listSet,
          minItems: 1,
          maxItems: 100,
          description: 'The login page sends users whose email has one of these domains to this provider.',
          defaultText: 'none: users choose the provider',
        },
      ),
    ),
    passwordLogin: Type.Optional(
      flag({
        description: 'Whether users with these domains may log in with a password, too.',
        defaultText: '`true`',
      }),
    ),
    users: Type.Optional(
      Type.Enum(['JustInTime', 'LinkedOnly'], {
        description:
          '`JustInTime`: the first login creates an account, if the provider has verified the email and no account has it. `LinkedOnly`: users link an account that they have.',
        defaultText: '`JustInTime`',
      }),
    ),
    role: Type.Optional(
      Type.Object(
        {
          claim: claimName('Name of the claim, such as `groups`.'),
          adminValues: claimValues('Values of the claim that mean the role `admin`.'),
        },
        {
          description:
            'Each login gives the user the role `admin` if the claim has one of the values, and otherwise `user`.',
          defaultText: 'none: logins do not change the role',
        },
      ),
    ),
    applicationRoles: Type.Optional(ApplicationRolesSchema),
    requiredClaims: Type.Optional(
      Type.Array(RequiredClaimSchema, {
        ...listAtomic,
        minItems: 1,
        maxItems: 10,
        description: 'Claims that a login needs, such as `hd` of Google with the domain of the organisation.',
        defaultText: 'none',
      }),
    ),
    acrValues: words(10, 'Value.', 'Parameter `acr_values` of the request to the provider.', 'none'),
    secondFactor: Type.Optional(
      Type.Object(
        {
          amr: words(20, 'Value.', 'Values of the claim `amr`.', 'none'),
          acr: words(20, 'Value.', 'Values of the claim `acr`.', 'none'),
        },
        {
          description:
            'A login with one of these values counts as one with two factors, so that the servers ask for no second factor of their own.',
          defaultText: 'none: users with a second factor present it',
        },
      ),
    ),
  },
  {
    description: 'A provider.',
    rules: [
      {
        rule: 'has(self.issuer) || has(self.preset)',
        message: 'write issuer, such as https://id.example.com, or preset: Google or GitHub',
        fieldPath: '.issuer',
      },
      {
        rule: "!has(self.issuer) || !has(self.preset) || self.preset != 'Google'",
        message: 'the preset Google has an issuer: remove issuer',
        fieldPath: '.issuer',
      },
      {
        rule: '!has(self.passwordLogin) || self.passwordLogin || has(self.domains)',
        message: 'passwordLogin: false applies to domains: write domains, or remove passwordLogin',
        fieldPath: '.passwordLogin',
      },
      {
        rule: `!has(self.scopes) || ${isGitHub} || 'openid' in self.scopes`,
        message: 'without the scope openid, there is no ID token: add openid to scopes',
        fieldPath: '.scopes',
      },
      {
        rule: `!has(self.secondFactor) || !(${isGitHub})`,
        message: 'GitHub does not say how a user logged in: remove secondFactor',
        fieldPath: '.secondFactor',
      },
      {
        rule: `!has(self.applicationRoles) || !(${isGitHub})`,
        message: 'GitHub names no groups, and users write their profile themselves: remove applicationRoles',
        fieldPath: '.applicationRoles',
      },
    ],
  },
)

export const IdentityProvidersSchema = Type.Array(IdentityProviderSchema, {
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  maxItems: 20,
  description:
    'Other providers at which users may log in on the pages of the OpenID provider. A change replaces no pod.',
  defaultText: 'none',
})

/** Rules of a spec that involve the providers and other parts. */
export const identityProviderRules: Rule[] = [
  {
    rule: '!has(self.identityProviders) || size(self.identityProviders) == 0 || self.?oidc.?enabled.orValue(false)',
    message: 'users choose a provider on the pages of the OpenID provider: write oidc.enabled: true',
    fieldPath: '.identityProviders',
  },
]
