import Type from 'typebox'
import { type FieldOptions, integer, listAtomic, stringMap, text } from '../fields.ts'

/** The parts of a pod that say where it may run, with the shapes that Kubernetes' core/v1 gives them. */

const labelKey = () => text(317, { description: 'A label key.' })
const values = () =>
  Type.Array(Type.String({ maxLength: 63 }), { ...listAtomic, maxItems: 64, description: 'Values to compare with.' })

const labelSelector = (options: FieldOptions) =>
  Type.Object(
    {
      matchLabels: Type.Optional(stringMap(32, { description: 'Labels that must be there.' })),
      matchExpressions: Type.Optional(
        Type.Array(
          Type.Object({
            key: labelKey(),
            operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist'], { description: 'How to compare.' }),
            values: Type.Optional(values()),
          }),
          { ...listAtomic, maxItems: 32, description: 'Comparisons that must all hold.' },
        ),
      ),
    },
    options,
  )

const nodeRequirements = (description: string) =>
  Type.Array(
    Type.Object({
      key: labelKey(),
      operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'], { description: 'How to compare.' }),
      values: Type.Optional(values()),
    }),
    { ...listAtomic, maxItems: 32, description },
  )

const nodeSelectorTerm = (options: FieldOptions) =>
  Type.Object(
    {
      matchExpressions: Type.Optional(nodeRequirements("Comparisons with the node's labels.")),
      matchFields: Type.Optional(nodeRequirements("Comparisons with the node's fields.")),
    },
    options,
  )

const weight = () => integer(1, 100, { description: 'Weight of this preference.' })

const podAffinityTerm = (options: FieldOptions) =>
  Type.Object(
    {
      labelSelector: Type.Optional(labelSelector({ description: 'The pods meant.' })),
      topologyKey: text(317, { description: 'Node label that says what "the same place" is.' }),
      namespaces: Type.Optional(
        Type.Array(Type.String({ maxLength: 63 }), { ...listAtomic, maxItems: 32, description: 'Their namespaces.' }),
      ),
      namespaceSelector: Type.Optional(labelSelector({ description: 'Their namespaces, by label.' })),
    },
    options,
  )

const podAffinity = (options: FieldOptions) =>
  Type.Object(
    {
      requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
        Type.Array(podAffinityTerm({ description: 'A requirement.' }), {
          ...listAtomic,
          maxItems: 16,
          description: 'Must hold.',
        }),
      ),
      preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
        Type.Array(
          Type.Object({ weight: weight(), podAffinityTerm: podAffinityTerm({ description: 'The preference.' }) }),
          { ...listAtomic, maxItems: 16, description: 'Should hold.' },
        ),
      ),
    },
    options,
  )

const nodeAffinity = Type.Object(
  {
    requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
      Type.Object(
        {
          nodeSelectorTerms: Type.Array(nodeSelectorTerm({ description: 'One way to fit.' }), {
            ...listAtomic,
            maxItems: 16,
            description: 'Ways to fit; one of them must.',
          }),
        },
        { description: 'Must hold.' },
      ),
    ),
    preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
      Type.Array(Type.Object({ weight: weight(), preference: nodeSelectorTerm({ description: 'The preference.' }) }), {
        ...listAtomic,
        maxItems: 16,
        description: 'Should hold.',
      }),
    ),
  },
  { description: 'Rules about nodes.' },
)

export const AffinitySchema = Type.Object(
  {
    nodeAffinity: Type.Optional(nodeAffinity),
    podAffinity: Type.Optional(podAffinity({ description: 'Pods to run beside.' })),
    podAntiAffinity: Type.Optional(podAffinity({ description: 'Pods to keep away from.' })),
  },
  { description: 'Where the server pods may run, as in a pod.', defaultText: 'anywhere', shape: 'core/v1 Affinity' },
)

export const TolerationsSchema = Type.Array(
  Type.Object({
    key: Type.Optional(text(317, { description: 'Key of the taint.' })),
    operator: Type.Optional(Type.Enum(['Exists', 'Equal'], { description: 'How to compare the value.' })),
    value: Type.Optional(Type.String({ maxLength: 63, description: 'Value of the taint.' })),
    effect: Type.Optional(
      Type.Enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], { description: 'Effect of the taint.' }),
    ),
    tolerationSeconds: Type.Optional(
      Type.Integer({ format: 'int64', minimum: 0, description: 'Seconds to stay after the taint appeared.' }),
    ),
  }),
  {
    ...listAtomic,
    maxItems: 32,
    description: 'Taints that the server pods tolerate, as in a pod.',
    defaultText: 'none',
    shape: 'core/v1 Toleration',
  },
)

export const TopologySpreadSchema = Type.Array(
  Type.Object({
    maxSkew: integer(1, 100, { description: 'Largest difference in pods between two places.' }),
    topologyKey: text(317, { description: 'Node label that says what a place is.' }),
    whenUnsatisfiable: Type.Enum(['DoNotSchedule', 'ScheduleAnyway'], { description: 'What to do when it cannot be.' }),
    labelSelector: Type.Optional(labelSelector({ description: "The pods counted. Left out: the server's." })),
    minDomains: Type.Optional(integer(1, 100, { description: 'Fewest places.' })),
    nodeAffinityPolicy: Type.Optional(
      Type.Enum(['Honor', 'Ignore'], { description: 'Whether node affinity narrows the places.' }),
    ),
    nodeTaintsPolicy: Type.Optional(
      Type.Enum(['Honor', 'Ignore'], { description: 'Whether taints narrow the places.' }),
    ),
  }),
  {
    ...listAtomic,
    maxItems: 8,
    description: 'How the server pods spread, as in a pod.',
    defaultText: 'staging and production: evenly over nodes and zones where possible; development: none',
    shape: 'core/v1 TopologySpreadConstraint',
  },
)
