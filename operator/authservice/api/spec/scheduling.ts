import Type from 'typebox'
import { type FieldOptions, integer, listAtomic, stringMap, text } from '../fields.ts'

/** The scheduling fields of a pod, with the shapes of core/v1. */

const labelKey = () => text(317, { description: 'A label key.' })
const values = () =>
  Type.Array(Type.String({ maxLength: 63 }), { ...listAtomic, maxItems: 64, description: 'Values to compare with.' })

const labelSelector = (options: FieldOptions) =>
  Type.Object(
    {
      matchLabels: Type.Optional(stringMap(32, { description: 'Labels that must be present.' })),
      matchExpressions: Type.Optional(
        Type.Array(
          Type.Object({
            key: labelKey(),
            operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist'], {
              description: 'Operator of the comparison.',
            }),
            values: Type.Optional(values()),
          }),
          { ...listAtomic, maxItems: 32, description: 'Requirements that must all be met.' },
        ),
      ),
    },
    options,
  )

const nodeRequirements = (description: string) =>
  Type.Array(
    Type.Object({
      key: labelKey(),
      operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'], {
        description: 'Operator of the comparison.',
      }),
      values: Type.Optional(values()),
    }),
    { ...listAtomic, maxItems: 32, description },
  )

const nodeSelectorTerm = (options: FieldOptions) =>
  Type.Object(
    {
      matchExpressions: Type.Optional(nodeRequirements('Requirements on labels of the node.')),
      matchFields: Type.Optional(nodeRequirements('Requirements on fields of the node.')),
    },
    options,
  )

const weight = () => integer(1, 100, { description: 'Weight of this preference.' })

const podAffinityTerm = (options: FieldOptions) =>
  Type.Object(
    {
      labelSelector: Type.Optional(labelSelector({ description: 'Pods that the term refers to.' })),
      topologyKey: text(317, { description: 'Node label that defines the topology domain.' }),
      namespaces: Type.Optional(
        Type.Array(Type.String({ maxLength: 63 }), {
          ...listAtomic,
          maxItems: 32,
          description: 'Namespaces of these pods.',
        }),
      ),
      namespaceSelector: Type.Optional(
        labelSelector({ description: 'Label selector for the namespaces of these pods.' }),
      ),
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
          description: 'Required rules.',
        }),
      ),
      preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
        Type.Array(
          Type.Object({ weight: weight(), podAffinityTerm: podAffinityTerm({ description: 'The preference.' }) }),
          { ...listAtomic, maxItems: 16, description: 'Preferred rules.' },
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
          nodeSelectorTerms: Type.Array(nodeSelectorTerm({ description: 'One term.' }), {
            ...listAtomic,
            maxItems: 16,
            description: 'Terms, one of which must be met.',
          }),
        },
        { description: 'Required rules.' },
      ),
    ),
    preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
      Type.Array(Type.Object({ weight: weight(), preference: nodeSelectorTerm({ description: 'The preference.' }) }), {
        ...listAtomic,
        maxItems: 16,
        description: 'Preferred rules.',
      }),
    ),
  },
  { description: 'Node affinity.' },
)

export const AffinitySchema = Type.Object(
  {
    nodeAffinity: Type.Optional(nodeAffinity),
    podAffinity: Type.Optional(podAffinity({ description: 'Pod affinity.' })),
    podAntiAffinity: Type.Optional(podAffinity({ description: 'Pod anti-affinity.' })),
  },
  { description: 'Affinity of the server pods.', defaultText: 'anywhere', shape: 'core/v1 Affinity' },
)

export const TolerationsSchema = Type.Array(
  Type.Object({
    key: Type.Optional(text(317, { description: 'Key of the taint.' })),
    operator: Type.Optional(Type.Enum(['Exists', 'Equal'], { description: 'Operator that compares the value.' })),
    value: Type.Optional(Type.String({ maxLength: 63, description: 'Value of the taint.' })),
    effect: Type.Optional(
      Type.Enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], { description: 'Effect of the taint.' }),
    ),
    tolerationSeconds: Type.Optional(
      Type.Integer({
        format: 'int64',
        minimum: 0,
        description: 'Seconds for which the pod stays on the node after the taint is added.',
      }),
    ),
  }),
  {
    ...listAtomic,
    maxItems: 32,
    description: 'Tolerations of the server pods.',
    defaultText: 'none',
    shape: 'core/v1 Toleration',
  },
)

export const TopologySpreadSchema = Type.Array(
  Type.Object({
    maxSkew: integer(1, 100, { description: 'Maximum difference in the number of pods between two topology domains.' }),
    topologyKey: text(317, { description: 'Node label that defines the topology domains.' }),
    whenUnsatisfiable: Type.Enum(['DoNotSchedule', 'ScheduleAnyway'], {
      description: 'What to do if the constraint cannot be met.',
    }),
    labelSelector: Type.Optional(labelSelector({ description: 'Pods to count. Defaults to the server pods.' })),
    minDomains: Type.Optional(integer(1, 100, { description: 'Minimum number of topology domains.' })),
    nodeAffinityPolicy: Type.Optional(
      Type.Enum(['Honor', 'Ignore'], { description: 'Whether node affinity limits the topology domains.' }),
    ),
    nodeTaintsPolicy: Type.Optional(
      Type.Enum(['Honor', 'Ignore'], { description: 'Whether taints limit the topology domains.' }),
    ),
  }),
  {
    ...listAtomic,
    maxItems: 8,
    description: 'Topology spread constraints of the server pods.',
    defaultText: 'staging and production: evenly over nodes and zones if possible; development: none',
    shape: 'core/v1 TopologySpreadConstraint',
  },
)
