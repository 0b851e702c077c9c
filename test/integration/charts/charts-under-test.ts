import { resolve } from 'node:path'
import { execa } from 'execa'
import { parseAllDocuments } from 'yaml'
import { helm } from '../../../tools/checkers/helm.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'

export const root = resolve(import.meta.dirname, '../../..')
export const operatorChart = resolve(root, 'charts/authservice-operator')
export const definitionChart = resolve(root, 'charts/authservice-operator-crds')

/** The namespace of every overlay. */
export const system = 'authservice-system'

/** What tests read of an object. */
export interface Rendered {
  kind: string
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> }
  spec?: {
    replicas?: number
    template?: { spec: { containers: { env?: { name: string; value?: string }[] }[] } }
  }
}

/** A values file of the folder `ci`. */
export const valuesFile = (name: string) => resolve(operatorChart, `ci/${name}-values.yaml`)

/** The objects that `helm install` would create. @throws Error with the message of helm */
export async function render(chart: string, ...options: string[]): Promise<Rendered[]> {
  const { ok, stdout, stderr } = await helm([
    'template',
    'authservice-operator',
    chart,
    '--namespace',
    system,
    ...options,
  ])
  if (!ok) throw new Error(stderr)
  return sorted(stdout)
}

/** The objects that `kubectl apply -k` would create. @param folder from the root of the project */
export async function kustomize(folder: string): Promise<Rendered[]> {
  const { kubectl } = await kubernetesBinaries()
  const { stdout } = await execa(kubectl, ['kustomize', resolve(root, folder)])
  return sorted(stdout)
}

function sorted(manifests: string): Rendered[] {
  return parseAllDocuments(manifests)
    .map((document): Rendered | null => document.toJS())
    .filter((object) => object !== null)
    .sort((a, b) => idOf(a).localeCompare(idOf(b)))
}

export const idOf = ({ kind, metadata }: Rendered) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`

/** Variables of the operator's container that have a value of their own. */
export function environmentOf(objects: readonly Rendered[]): Record<string, string> {
  const deployment = objects.find(({ kind }) => kind === 'Deployment')
  const variables = deployment?.spec?.template?.spec.containers[0]?.env ?? []
  return Object.fromEntries(variables.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
}
