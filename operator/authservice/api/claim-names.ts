import {
  claimNamePattern,
  reservedClaims,
  rightsOfUsers,
  rolesClaim,
} from '@authservice-operator/contract/custom-claims.ts'
import Type from 'typebox'
import { listSet, type Rule, text } from './fields.ts'

const quoted = (names: Iterable<string>) => [...names].map((name) => `'${name}'`).join(', ')

const notReserved = (names: Iterable<string>): Rule => ({
  rule: `!(self in [${quoted(names)}])`,
  message: 'a registered or reserved claim is not a custom one: write another name',
})

/** Names of claims of users: custom ones, and `roles`. */
export const userClaimNames = (options: { description: string; defaultText: string }) =>
  Type.Array(
    text(64, {
      pattern: claimNamePattern,
      description: 'Name of a custom claim of users, or `roles`.',
      rules: [notReserved([...reservedClaims].filter((name) => name !== rolesClaim))],
    }),
    { ...listSet, maxItems: 20, ...options },
  )

/** Custom claims of a client. */
export const ClientClaimsSchema = Type.Array(
  Type.Object(
    {
      name: text(64, {
        pattern: claimNamePattern,
        description: 'Name of the claim.',
        rules: [notReserved([...reservedClaims, ...rightsOfUsers])],
      }),
      value: Type.String({ maxLength: 256, pattern: '^[^\\x00-\\x1f\\x7f]*$', description: 'Its value.' }),
    },
    { description: 'A claim.' },
  ),
  {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    minItems: 1,
    maxItems: 20,
    description:
      'Custom claims of the client itself, in its ID tokens and in the access tokens that it gets for itself, at most 1,536 bytes as JSON.',
    defaultText: 'none',
  },
)
