import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'

export const definitions: Resource = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}

/** A CustomResourceDefinition with which an API server serves the kind, whatever its fields. */
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
