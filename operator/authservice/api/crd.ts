import { defaultOf } from './field-defaults.ts'
import { group, kind, plural, shortName, singular, version } from './group.ts'
import { AuthServiceSchema } from './schema.ts'
import { type Describe, type StructuralSchema, toStructural } from './structural.ts'

/** A column of `kubectl get authsvc`. `priority: 1` is shown only with `-o wide`. */
const columns = [
  column('Ready', 'string', `.status.conditions[?(@.type=='Ready')].status`, 'Whether all components are ready.'),
  column('Phase', 'string', '.status.phase', 'Phase: a summary of the conditions in one word.'),
  column(
    'Version',
    'string',
    '.status.version',
    'Version of the running server, and the desired version if it differs.',
  ),
  column('Replicas', 'integer', '.status.readyReplicas', 'Server pods that are ready.'),
  column('Color', 'string', '.status.activeColor', 'Colour that receives the traffic.'),
  { ...column('Endpoint', 'string', '.status.endpoint', 'URL of the server.'), priority: 1 },
  {
    ...column(
      'Message',
      'string',
      `.status.conditions[?(@.type=='Ready')].message`,
      'What the operator is waiting for.',
    ),
    priority: 1,
  },
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since the AuthService was created.'),
]

function column(name: string, type: 'string' | 'integer' | 'date', jsonPath: string, description: string) {
  return { name, type, description, jsonPath }
}

/**
 * Fields for `kubectl get authsvc --field-selector`, in addition to the name and the namespace. Kubernetes 1.31 and later serve
 * them.
 */
const selectableFields = ['.spec.environment', '.status.phase', '.status.version'].map((jsonPath) => ({ jsonPath }))

/** The CustomResourceDefinition of AuthServices, generated from the schema. */
export function customResourceDefinition() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'app.kubernetes.io/part-of': 'authservice-operator' },
      // helm uninstall keeps it: otherwise, the API server would delete every AuthService with it.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName], categories: ['all'] },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema() },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          selectableFields,
          additionalPrinterColumns: columns,
        },
      ],
    },
  }
}

/** The root. The API server defines `metadata`; rules may use its name. */
function rootSchema(): StructuralSchema {
  const { spec, status } = AuthServiceSchema.properties
  const { properties: _, required: __, ...root } = toStructural({ ...AuthServiceSchema, properties: {} })
  return {
    ...root,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'Version of this representation.' },
      kind: { type: 'string', description: 'Kind of the resource.' },
      metadata: { type: 'object' },
      spec: toStructural(spec, explain),
      // Until the first reconcile: kstatus, and therefore Flux, would treat a status without it as current.
      status: { ...toStructural(status), default: { observedGeneration: -1 } },
    },
  }
}

/** The description of a field in `kubectl explain`: its meaning, and its default. */
const explain: Describe = (source, path) => {
  const { description } = source
  const otherwise = defaultOf(path, source)
  const sentences = [description, ...(otherwise === undefined ? [] : [`Default: ${otherwise}.`])].filter(
    (sentence) => sentence !== undefined,
  )
  return sentences.length === 0 ? undefined : sentences.join(' ')
}
