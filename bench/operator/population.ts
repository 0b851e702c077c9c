import { apiVersion, kind } from '../../operator/authservice/api/group.ts'
import { authServices, childKinds } from '../../operator/authservice/model/kinds.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import type { KubernetesObject, Resource } from '../../operator/kube/objects.ts'

const namespaces: Resource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false }
const perNamespace = 50
/** Concurrent requests: as many as the operator has connections. */
export const connections = 64

/** Runs the work for each item, `connections` at a time. */
export async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const rest = [...items].reverse()
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: connections }, worker))
}

export async function createNamespaces(client: KubeClient, prefix: string, count: number): Promise<string[]> {
  const names = Array.from({ length: Math.ceil(count / perNamespace) }, (_, index) => `${prefix}-${index}`)
  await forEach(names, (name) => client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
  return names
}

/** Creates AuthServices like the quickstart: managed MongoDB and Redis, an Nginx edge with its own certificate. */
export async function createAuthServices(client: KubeClient, count: number): Promise<void> {
  const namespaceNames = await createNamespaces(client, 'bench', count)
  const all = Array.from({ length: count }, (_, index) => ({
    apiVersion,
    kind,
    metadata: { name: `auth-${index}`, namespace: namespaceNames[Math.floor(index / perNamespace)] ?? '' },
    spec: {
      environment: 'development',
      mongodb: {},
      redis: {},
      ingress: { type: 'Nginx', host: `auth-${index}.localhost`, nginx: { serviceType: 'ClusterIP' } },
    },
  }))
  await forEach(all, (one) => client.create(authServices, one))
}

/** Every child that the operator created, ready to be applied in other namespaces. */
export async function childrenToApply(
  client: KubeClient,
  prefix: string,
): Promise<{ resource: Resource; object: KubernetesObject }[]> {
  const labelSelector = 'app.kubernetes.io/managed-by=authservice-operator'
  const lists = await Promise.all(
    childKinds.map(async (resource) =>
      (await client.list<KubernetesObject>(resource, { labelSelector })).items.map((object) => ({ resource, object })),
    ),
  )
  return lists.flat().map(({ resource, object }) => ({ resource, object: withoutServerFields(object, prefix) }))
}

function withoutServerFields(object: KubernetesObject, prefix: string): KubernetesObject {
  const { name, namespace = '', labels = {}, annotations = {} } = object.metadata
  const { status: _, metadata: __, ...rest } = object as KubernetesObject & { status?: unknown }
  const spec =
    'spec' in rest && typeof rest.spec === 'object' && rest.spec !== null ? { spec: withoutAllocated(rest.spec) } : {}
  return {
    ...rest,
    ...spec,
    metadata: { name, namespace: namespace.replace(/^bench/, prefix), labels, annotations },
  }
}

/** The spec without the fields that the API server allocates. */
function withoutAllocated(spec: object): object {
  const { clusterIP, clusterIPs, selector, template, ...rest } = spec as Record<string, unknown>
  const isJob = 'completions' in rest
  const headless = clusterIP === 'None' ? { clusterIP } : {}
  return { ...rest, ...headless, ...(isJob ? { template: withoutJobLabels(template) } : { selector, template }) }
}

function withoutJobLabels(template: unknown): unknown {
  const text = JSON.stringify(template)
  return JSON.parse(text, (key, value) => (/controller-uid|job-name/.test(key) ? undefined : value))
}
