import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'
import { definitions } from '../../../tools/local-servers/install-definition.ts'

/** A CustomResourceDefinition of the kind that accepts any fields. */
export function definitionOf({ apiVersion, kind, plural, namespaced }: Resource): KubernetesObject & { spec: object } {
  const [group = '', version = ''] = apiVersion.split('/')
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return {
    apiVersion: definitions.apiVersion,
    kind: definitions.kind,
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural, singular: kind.toLowerCase() },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: anything } }],
    },
  }
}
