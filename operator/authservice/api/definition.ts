import type { TObject, TSchema } from 'typebox'
import { group, version } from './group.ts'
import { type Describe, type StructuralSchema, toStructural } from './structural.ts'

/** A kind of the API group, and what a cluster shows of it. */
export interface DefinedKind {
  /** The single source of the kind. */
  schema: TObject<{ spec: TSchema; status: TSchema }>
  names: { kind: string; plural: string; singular: string; shortName: string }
  /** Columns of `kubectl get`. `priority: 1` is shown only with `-o wide`. */
  columns: readonly Column[]
  /** JSON paths for `kubectl get --field-selector`, in addition to the name and the namespace. */
  selectableFields: readonly string[]
  /** The subresource `scale`, if the kind has one. */
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath: string }
  /** The description of a field in `kubectl explain`. */
  explain: Describe
}

interface Column {
  name: string
  type: 'string' | 'integer' | 'date'
  description: string
  jsonPath: string
  priority?: number
}

export function column(name: string, type: Column['type'], jsonPath: string, description: string): Column {
  return { name, type, description, jsonPath }
}

/** The CustomResourceDefinition of a kind. Kubernetes 1.31 and later serve its selectable fields. */
export function definitionOf({ schema, names, columns, selectableFields, scale, explain }: DefinedKind) {
  const { kind, plural, singular, shortName } = names
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'app.kubernetes.io/part-of': 'authservice-operator' },
      // helm uninstall keeps it: otherwise, the API server would delete every object of the kind with it.
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
          schema: { openAPIV3Schema: rootSchema(schema, explain) },
          subresources: { status: {}, ...(scale !== undefined && { scale }) },
          selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })),
          additionalPrinterColumns: columns,
        },
      ],
    },
  }
}

/** The root. The API server defines `metadata`; rules may use its name. */
function rootSchema(schema: DefinedKind['schema'], explain: Describe): StructuralSchema {
  const { spec, status } = schema.properties
  const { properties: _, required: __, ...root } = toStructural({ ...schema, properties: {} })
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
