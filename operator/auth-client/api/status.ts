import Type, { type Static } from 'typebox'
import { listAtomic } from '../../authservice/api/fields.ts'
import { ConditionSchema } from '../../authservice/api/status.ts'

const instant = (description: string) => Type.String({ format: 'date-time', description })
const word = (maxLength: number, description: string) => Type.String({ maxLength, description })

export const AuthClientStatusSchema = Type.Object(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        minimum: -1,
        format: 'int64',
        description: 'Generation of the spec that this status describes; -1 before the first reconcile.',
      }),
    ),
    clientId: Type.Optional(word(128, 'The `client_id`: the namespace, a dot and the name of the AuthClient.')),
    issuer: Type.Optional(word(253, 'The issuer, at which libraries find everything else.')),
    secretName: Type.Optional(word(253, 'Secret with `client_id`, `client_secret` and `issuer`.')),
    secretHashes: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$', maxLength: 64, description: 'A hash.' }), {
        ...listAtomic,
        maxItems: 2,
        description:
          'SHA-256 of the secrets that servers accept, in hex. A secret has 256 random bits, so a hash does not reveal it.',
      }),
    ),
    secretRotatedAt: Type.Optional(instant('When the current secret was created.')),
    nextSecretRotationAt: Type.Optional(instant('When the next secret replaces it.')),
    previousSecretUntil: Type.Optional(instant('Until when servers accept the previous secret.')),
    conditions: Type.Optional(
      Type.Array(ConditionSchema, {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        maxItems: 8,
        description:
          'Conditions of the AuthClient: `Ready`, `Reconciling` and `Stalled`, and `BackchannelLogout` if it has a `backchannelLogoutUri`.',
      }),
    ),
  },
  { description: 'Observed state. Only the operator writes it.' },
)

export type AuthClientStatus = Static<typeof AuthClientStatusSchema>
