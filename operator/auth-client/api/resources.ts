import { identityScopes } from '@authservice-operator/contract/oidc-client-schema.ts'
import Type from 'typebox'
import { userClaimNames } from '../../authservice/api/claim-names.ts'
import { listSet, text } from '../../authservice/api/fields.ts'

/** A scope token (RFC 6749 section 3.3) of an API. */
const scope = text(64, {
  pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$',
  description: 'A scope.',
  rules: [
    {
      rule: `!(self in [${identityScopes.map((name) => `'${name}'`).join(', ')}])`,
      message: 'a scope about the user is not one of an API: list it in spec.scopes',
    },
  ],
})

const ResourceSchema = Type.Object(
  {
    uri: text(256, {
      description:
        'The `resource` parameter of requests, and the `aud` of the tokens: an absolute URI, which need not lead anywhere. Not `tokens.audience` of the AuthService.',
      rules: [
        { rule: "!self.contains('#')", message: 'a resource has no fragment (#): write the URI without it' },
        {
          rule: "self.matches('^[a-z][a-z0-9+.-]*:[!-~]+$')",
          message: 'write an absolute URI, such as https://api.example.com',
        },
      ],
    }),
    scopes: Type.Optional(
      Type.Array(scope, {
        ...listSet,
        minItems: 1,
        maxItems: 20,
        description: 'Scopes that the client may have at this API.',
        defaultText: 'none',
      }),
    ),
    userClaims: Type.Optional(
      userClaimNames({
        description: 'Custom claims and `roles` of users that their access tokens for this API carry.',
        defaultText: 'none',
      }),
    ),
  },
  { description: 'An API.' },
)

export const ResourcesSchema = Type.Array(ResourceSchema, {
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['uri'],
  minItems: 1,
  maxItems: 10,
  description: 'APIs that the client may get tokens for (RFC 8707), each token for one of them.',
  defaultText: 'none; required with the grant `client_credentials`',
})
