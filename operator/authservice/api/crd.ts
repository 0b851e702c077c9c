import { defaultOf } from './field-defaults.ts'
import { group, kind, plural, shortName, singular, version } from './group.ts'
import { AuthServiceSchema } from './schema.ts'
import { type Describe, type StructuralSchema, toStructural } from './structural.ts'

/** A column of `kubectl get authsvc`. `priority: 1` shows with `-o wide` only. */
const columns = [
  column('Ready', 'string', `.status.conditions[?(@.type=='Ready')].status`, 'Whether all parts are ready.'),
  column('Phase', 'string', '.status.phase', 'The state in one word.'),
  column('Version', 'string', '.status.version', 'Version of the server.'),
  column('Replicas', 'integer', '.status.readyReplicas', 'Server pods that are ready.'),
  column('Color', 'string', '.status.activeColor', 'Colour that has the traffic.'),
  { ...column('Endpoint', 'string', '.status.endpoint', 'URL of the server.'), priority: 1 },
  {
    ...column('Message', 'string', `.status.conditions[?(@.type=='Ready')].message`, 'What is waited for.'),
    priority: 1,
  },
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since it was made.'),
]

function column(name: string, type: 'string' | 'integer' | 'date', jsonPath: string, description: string) {
  return { name, type, description, jsonPath }
}

/** The CustomResourceDefinition of AuthServices, made from the schema. */
export function customResourceDefinition() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'app.kubernetes.io/part-of': 'authservice-operator' } },
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
          additionalPrinterColumns: columns,
        },
      ],
    },
  }
}

/** The root. `metadata` is the API server's own to describe; rules may look at its name. */
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
      // Until the first visit: a status without it reads as settled to kstatus, and so to Flux.
      status: { ...toStructural(status), default: { observedGeneration: -1 } },
    },
  }
}

/** What `kubectl explain` shows of a field: its meaning, and its default. */
const explain: Describe = (source, path) => {
  const { description } = source
  const otherwise = defaultOf(path, source)
  const sentences = [description, ...(otherwise === undefined ? [] : [`Default: ${otherwise}.`])].filter(
    (sentence) => sentence !== undefined,
  )
  return sentences.length === 0 ? undefined : sentences.join(' ')
}
