import { ApplicationRoles, CustomClaims } from '@authservice-operator/contract/custom-claims.ts'
import Type from 'typebox'

const example = { roles: ['orders.approver'], claims: { department: 'sales', cost_center: 4711 } }

/** Roles and custom claims of a user in responses. */
export const UserClaims = Type.Object(
  {
    roles: Type.Array(Type.String(), { description: 'Application roles, beside the role of the account' }),
    claims: Type.Object({}, { additionalProperties: true, description: 'Custom claims by their names' }),
  },
  { title: 'UserClaims', description: 'Application roles and custom claims of a user', examples: [example] },
)

export const UserClaimsChange = Type.Object(
  { roles: Type.Optional(ApplicationRoles), claims: Type.Optional(CustomClaims) },
  {
    title: 'UserClaimsChange',
    description: 'Each member replaces what the user has; a member that is missing changes nothing',
    additionalProperties: false,
    minProperties: 1,
    examples: [example],
  },
)
