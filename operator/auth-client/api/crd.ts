import { group, version } from '../../authservice/api/group.ts'
import { type Describe, type StructuralSchema, toStructural } from '../../authservice/api/structural.ts'
import { kind, plural, shortName, singular } from './group.ts'
import { AuthClientSchema } from './schema.ts'

/** A column of `kubectl get authclients`. */
const columns = [
  column('Ready', 'string', `.status.conditions[?(@.type=='Ready')].status`, 'Whether servers accept the client.'),
  column('Reason', 'string', `.status.conditions[?(@.type=='Ready')].reason`, 'Why, in one word.'),
  column('AuthService', 'string', '.spec.authServiceRef.name', 'The AuthService that it is a client of.'),
  column('Client-ID', 'string', '.status.clientId', 'The client_id.'),
  column('Secret', 'string', '.status.secretName', 'Secret with the credentials.'),
  {
    ...column('Message', 'string', `.status.conditions[?(@.type=='Ready')].message`, 'Why, in a sentence.'),
    priority: 1,
  },
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since the AuthClient was created.'),
]

function column(name: string, type: 'string' | 'date', jsonPath: string, description: string) {
  return { name, type, description, jsonPath }
}

/** The CustomResourceDefinition of AuthClients, generated from the schema. */
export function clientDefinition() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'app.kubernetes.io/part-of': 'authservice-operator' },
      // helm uninstall keeps it: otherwise, the API server would delete every AuthClient with it.
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
          subresources: { status: {} },
          selectableFields: [{ jsonPath: '.spec.authServiceRef.name' }],
          additionalPrinterColumns: columns,
        },
      ],
    },
  }
}

/** The root. The API server defines `metadata`; rules may use its name. */
function rootSchema(): StructuralSchema {
  const { spec, status } = AuthClientSchema.properties
  const { properties: _, required: __, ...root } = toStructural({ ...AuthClientSchema, properties: {} })
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
const explain: Describe = ({ description, defaultText }) =>
  defaultText === undefined ? description : `${description} Default: ${defaultText}.`
