import Type from 'typebox'
import { byteQuantity, type FieldOptions, flag, integer, listAtomic, objectName, stringMap, text } from '../fields.ts'
import { inOrder } from '../rules.ts'
import { AffinitySchema, TolerationsSchema, TopologySpreadSchema } from './scheduling.ts'

const cpu = (description: string) =>
  Type.String({ maxLength: 16, pattern: '^([1-9][0-9]*m|[0-9]+([.][0-9]{1,3})?)$', description })

const resourceList = (description: string) =>
  Type.Object(
    {
      cpu: Type.Optional(cpu('Processor time: `250m` is a quarter of a core.')),
      memory: Type.Optional(byteQuantity({ description: 'Memory, such as `256Mi`.' })),
      'ephemeral-storage': Type.Optional(byteQuantity({ description: 'Local disk, such as `1Gi`.' })),
    },
    { description },
  )

/** CPU, memory and disk of one container; as in a pod, without claims. */
export const resourcesSchema = (options: FieldOptions) =>
  Type.Object(
    {
      requests: Type.Optional(resourceList('What the scheduler sets aside.')),
      limits: Type.Optional(resourceList('What the container may not exceed.')),
    },
    { ...options, shape: 'core/v1 ResourceRequirements' },
  )

const scalingRules = (direction: string) =>
  Type.Object(
    {
      stabilizationWindowSeconds: Type.Optional(
        integer(0, 3600, { description: 'Seconds to look back before acting on a recommendation.' }),
      ),
      selectPolicy: Type.Optional(Type.Enum(['Max', 'Min', 'Disabled'], { description: 'Which policy counts.' })),
      policies: Type.Optional(
        Type.Array(
          Type.Object({
            type: Type.Enum(['Pods', 'Percent'], { description: 'Unit of `value`.' }),
            value: integer(1, 1000, { description: 'Largest change in one period.' }),
            periodSeconds: integer(1, 1800, { description: 'Length of the period.' }),
          }),
          { ...listAtomic, maxItems: 8, description: 'Limits of the speed.' },
        ),
      ),
    },
    { description: `How fast to scale ${direction}.` },
  )

export const AutoscalingSchema = Type.Object(
  {
    enabled: Type.Optional(flag({ description: 'Whether a HorizontalPodAutoscaler sets the count of server pods.' })),
    minReplicas: Type.Optional(integer(1, 1000, { description: 'Fewest pods.' })),
    maxReplicas: Type.Optional(integer(1, 1000, { description: 'Most pods.' })),
    targetCPUUtilizationPercentage: Type.Optional(
      integer(1, 100, { description: 'Processor use, in percent of the request, that the autoscaler aims for.' }),
    ),
    behavior: Type.Optional(
      Type.Object(
        { scaleUp: Type.Optional(scalingRules('up')), scaleDown: Type.Optional(scalingRules('down')) },
        {
          description: 'Speed of scaling, as in `autoscaling/v2`.',
          defaultText: "Kubernetes' own",
          shape: 'autoscaling/v2 HorizontalPodAutoscalerBehavior',
        },
      ),
    ),
  },
  {
    description: 'The HorizontalPodAutoscaler of the server.',
    rules: [
      {
        rule: inOrder('minReplicas', 'maxReplicas'),
        message: 'minReplicas is greater than maxReplicas: write a minReplicas of at most maxReplicas',
        fieldPath: '.minReplicas',
      },
    ],
  },
)

export const ImagePullSecretsSchema = Type.Array(
  Type.Object({ name: objectName({ description: 'Name of a Secret of type `kubernetes.io/dockerconfigjson`.' }) }),
  {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    maxItems: 16,
    description: 'Secrets to pull the images with.',
    defaultText: 'none',
  },
)

/** Labels and annotations under these prefixes select and mark pods; a spec cannot set them. */
const reserved = "['app.kubernetes.io/', 'auth-operator.dev/'].exists(prefix, key.startsWith(prefix))"
const unreserved = {
  rule: `self.all(key, !${reserved})`,
  message: 'keys under app.kubernetes.io/ and auth-operator.dev/ are set by the operator: choose another prefix',
}

export const PodSchema = Type.Object(
  {
    labels: Type.Optional(
      stringMap(32, { description: 'Labels added to the server pods.', defaultText: 'none', rules: [unreserved] }),
    ),
    annotations: Type.Optional(
      stringMap(32, { description: 'Annotations added to the server pods.', defaultText: 'none', rules: [unreserved] }),
    ),
    nodeSelector: Type.Optional(
      stringMap(32, { description: 'Labels that a node must have to run server pods.', defaultText: 'none' }),
    ),
    tolerations: Type.Optional(TolerationsSchema),
    affinity: Type.Optional(AffinitySchema),
    topologySpreadConstraints: Type.Optional(TopologySpreadSchema),
    priorityClassName: Type.Optional(
      text(253, { description: 'PriorityClass of the server pods.', defaultText: "the cluster's default" }),
    ),
    serviceAccountName: Type.Optional(
      objectName({
        description: 'ServiceAccount of the server pods. Its token is not mounted.',
        defaultText: 'one that the operator makes, named after the AuthService',
      }),
    ),
    terminationGracePeriodSeconds: Type.Optional(
      integer(15, 600, {
        description:
          'Seconds a server pod has to finish its requests after it was told to end. Draining takes 5 of them.',
      }),
    ),
  },
  { description: 'Settings of the server pods.' },
)
