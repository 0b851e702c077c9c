import Type from 'typebox'
import { byteQuantity, type FieldOptions, flag, integer, listAtomic, objectName, stringMap, text } from '../fields.ts'
import { inOrder } from '../rules.ts'
import { AffinitySchema, TolerationsSchema, TopologySpreadSchema } from './scheduling.ts'

const cpu = (description: string) =>
  Type.String({ maxLength: 16, pattern: '^([1-9][0-9]*m|[0-9]+([.][0-9]{1,3})?)$', description })

const resourceList = (description: string) =>
  Type.Object(
    {
      cpu: Type.Optional(cpu('CPU: `250m` is a quarter of a core.')),
      memory: Type.Optional(byteQuantity({ description: 'Memory, such as `256Mi`.' })),
      'ephemeral-storage': Type.Optional(byteQuantity({ description: 'Ephemeral storage, such as `1Gi`.' })),
    },
    { description },
  )

/** CPU, memory and disk of one container, as in a pod, without claims. */
export const resourcesSchema = (options: FieldOptions) =>
  Type.Object(
    {
      requests: Type.Optional(resourceList('Resources that the scheduler reserves.')),
      limits: Type.Optional(resourceList('Limits that the container may not exceed.')),
    },
    { ...options, shape: 'core/v1 ResourceRequirements' },
  )

const scalingRules = (direction: string) =>
  Type.Object(
    {
      stabilizationWindowSeconds: Type.Optional(
        integer(0, 3600, { description: 'Seconds of past recommendations to consider.' }),
      ),
      selectPolicy: Type.Optional(Type.Enum(['Max', 'Min', 'Disabled'], { description: 'Which policy applies.' })),
      policies: Type.Optional(
        Type.Array(
          Type.Object({
            type: Type.Enum(['Pods', 'Percent'], { description: 'Unit of `value`.' }),
            value: integer(1, 1000, { description: 'Maximum change in one period.' }),
            periodSeconds: integer(1, 1800, { description: 'Length of the period in seconds.' }),
          }),
          { ...listAtomic, maxItems: 8, description: 'Scaling policies.' },
        ),
      ),
    },
    { description: `How fast to scale ${direction}.` },
  )

export const AutoscalingSchema = Type.Object(
  {
    enabled: Type.Optional(flag({ description: 'Whether a HorizontalPodAutoscaler sets the number of server pods.' })),
    minReplicas: Type.Optional(integer(1, 1000, { description: 'Minimum number of pods.' })),
    maxReplicas: Type.Optional(integer(1, 1000, { description: 'Maximum number of pods.' })),
    targetCPUUtilizationPercentage: Type.Optional(
      integer(1, 100, { description: 'Target CPU utilization, in percent of the request.' }),
    ),
    behavior: Type.Optional(
      Type.Object(
        { scaleUp: Type.Optional(scalingRules('up')), scaleDown: Type.Optional(scalingRules('down')) },
        {
          description: 'Scaling behaviour, as in `autoscaling/v2`.',
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
        message: 'minReplicas exceeds maxReplicas: write a minReplicas of at most maxReplicas',
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
    description: 'Secrets for pulling images.',
    defaultText: 'none',
  },
)

/** Labels and annotations under these prefixes select and mark pods; a spec cannot set them. */
const reserved = "['app.kubernetes.io/', 'auth-operator.dev/'].exists(prefix, key.startsWith(prefix))"
const unreserved = {
  rule: `self.all(key, !${reserved})`,
  message: 'the operator sets keys under app.kubernetes.io/ and auth-operator.dev/: use another prefix',
}

export const JobsSchema = Type.Object(
  {
    resources: Type.Optional(
      resourcesSchema({
        description:
          'Resources of every container of a Job (migrations, smoke test, backups, password rotation) and of the container that prepares a managed MongoDB. Each quantity replaces the default of all these containers. If a ResourceQuota counts `limits.cpu`, set it here and in every other `resources`.',
        defaultText: 'what each container needs, without a CPU limit',
      }),
    ),
    labels: Type.Optional(
      stringMap(32, {
        description:
          'Labels of the pods of Jobs, which do not inherit `pod.labels`. `sidecar.istio.io/inject: "false"` keeps Jobs out of the mesh of the servers. A sidecar that does not end would prevent a Job from completing.',
        defaultText: 'none',
        rules: [unreserved],
      }),
    ),
    annotations: Type.Optional(
      stringMap(32, {
        description:
          'Annotations of the pods of Jobs, which do not inherit `pod.annotations`. `linkerd.io/inject: disabled` keeps Jobs out of a mesh.',
        defaultText: 'none',
        rules: [unreserved],
      }),
    ),
  },
  { description: 'Settings of Jobs and short-lived containers.' },
)

export const PodSchema = Type.Object(
  {
    labels: Type.Optional(
      stringMap(32, { description: 'Additional labels of the server pods.', defaultText: 'none', rules: [unreserved] }),
    ),
    annotations: Type.Optional(
      stringMap(32, {
        description: 'Additional annotations of the server pods.',
        defaultText: 'none',
        rules: [unreserved],
      }),
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
        defaultText: 'a ServiceAccount that the operator creates, with the name of the AuthService',
      }),
    ),
    terminationGracePeriodSeconds: Type.Optional(
      integer(15, 600, {
        description:
          'Seconds that a server pod has to finish its requests when it is terminated, including 5 s to drain.',
      }),
    ),
  },
  { description: 'Settings of the server pods.' },
)
