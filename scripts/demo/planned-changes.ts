import { parseAllDocuments } from 'yaml'
import type { Kubectl } from '../../tools/cluster-client/kubectl.ts'

/** One object that the demo would write into a cluster of the user. */
export interface PlannedChange {
  kind: string
  name: string
  namespace?: string
  exists: boolean
}

interface Manifest {
  kind: string
  metadata: { name: string; namespace?: string }
}

/**
 * The objects that applying these manifests would create or change.
 * @param manifests YAML documents, as `kubectl kustomize` prints them
 */
export async function plannedChanges(kubectl: Kubectl, manifests: string): Promise<PlannedChange[]> {
  const wanted = parseAllDocuments(manifests).flatMap((document): Manifest[] => document.toJS() ?? [])
  const found = await kubectl.run(['get', '--filename', '-', '--ignore-not-found', '--output', 'json'], {
    input: manifests,
  })
  return compare(wanted, found === '' ? [] : itemsOf(JSON.parse(found)))
}

/** Pairs desired objects with existing ones, by kind, namespace and name. */
export function compare(wanted: readonly Manifest[], found: readonly Manifest[]): PlannedChange[] {
  const identity = ({ kind, metadata }: Manifest) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`
  const existing = new Set(found.map(identity))
  return wanted.map((manifest) => ({
    kind: manifest.kind,
    name: manifest.metadata.name,
    ...(manifest.metadata.namespace !== undefined && { namespace: manifest.metadata.namespace }),
    exists: existing.has(identity(manifest)),
  }))
}

/** One line for each object: `create  Deployment authservice-system/authservice-operator`. */
export function describeChanges(changes: readonly PlannedChange[]): string {
  return changes
    .map(({ kind, name, namespace, exists }) => {
      const path = namespace === undefined ? name : `${namespace}/${name}`
      return `  ${exists ? 'change' : 'create'}  ${kind} ${path}`
    })
    .join('\n')
}

/** kubectl prints a single object directly, and several as a List. */
function itemsOf(answer: Manifest & { items?: Manifest[] }): Manifest[] {
  return answer.items ?? [answer]
}
