import { ApplicationRoles, CustomClaims } from '@authservice-operator/contract/custom-claims.ts'
import Type from 'typebox'

const example = { roles: ['orders.approver'], claims: { department: 'sales', cost_center: 4711 } }

const ProviderRoles = Type.Object(
  {
    provider: Type.String({ description: 'ID of the identity provider' }),
    roles: Type.Array(Type.String(), { description: 'Application roles by the groups of the last login there' }),
  },
  { description: 'Application roles from one identity provider' },
)

/** Roles and custom claims of a user in responses. */
export const UserClaims = Type.Object(
  {
    roles: Type.Array(Type.String(), {
      description: 'Application roles that administrators have given, beside the role of the account',
    }),
    claims: Type.Object({}, { additionalProperties: true, description: 'Custom claims by their names' }),
    provider_roles: Type.Array(ProviderRoles, {
      description: 'Application roles from identity providers. Tokens carry them with the others',
    }),
  },
  {
    title: 'UserClaims',
    description: 'Application roles and custom claims of a user',
    examples: [{ ...example, provider_roles: [{ provider: 'corp', roles: ['orders.viewer'] }] }],
  },
)

export const UserClaimsChange = Type.Object(
  { roles: Type.Optional(ApplicationRoles), claims: Type.Optional(CustomClaims) },
  {
    title: 'UserClaimsChange',
    description:
      'Each member replaces what the user has from administrators; a member that is missing changes nothing. Roles from ' +
      'identity providers stay as they are',
    additionalProperties: false,
    minProperties: 1,
    examples: [example],
  },
)
