import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { execa } from 'execa'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { edgeLayout } from '../../../operator/authservice/resources/edge/edge-layout.ts'
import { serverPorts } from '../../../operator/authservice/resources/server/server-environment.ts'
import { readConfig } from '../../../operator/config.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'

const folder = resolve(import.meta.dirname, '../../../manifests/overlays')

interface Built {
  kind: string
  metadata: { name: string; namespace?: string }
  spec?: {
    template?: {
      metadata: { labels: Record<string, string> }
      spec: { priorityClassName?: string; containers: { env?: { name: string; value?: string }[] }[] }
    }
    podSelector?: { matchLabels: Record<string, string> }
    ingress?: { ports: { port: number }[] }[]
    egress?: { ports: { port: number }[] }[]
  }
}

let kubectl: string
beforeAll(async () => {
  kubectl = (await kubernetesBinaries()).kubectl
  for (const name of ['authservice-system', 'team-a']) {
    await apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }])
  }
})

/** The objects that `kubectl apply -k` would send. */
async function build(overlay: string): Promise<Built[]> {
  const { stdout } = await execa(kubectl, ['kustomize', resolve(folder, overlay)])
  return parseAllDocuments(stdout).map((document) => document.toJS())
}

async function apply(objects: object[], ...options: string[]): Promise<string> {
  const connection = ['--kubeconfig', inject('apiServer').kubeconfigPath]
  const input = objects.map((object) => stringify(object)).join('---\n')
  const { stdout } = await execa(
    kubectl,
    [...connection, 'apply', '--server-side', '--force-conflicts', '--validate=strict', ...options, '-f', '-'],
    { input },
  )
  return stdout
}

/** Of managed clusters, kubeadm, minikube and MicroK8s. */
const apiServerPorts = [443, 6443, 8443, 16443]

const ofWholeCluster = (objects: readonly Built[]) =>
  objects.map(({ kind }) => kind).filter((kind) => kind.startsWith('ClusterRole'))

describe.each(readdirSync(folder))('the overlay %s', (overlay) => {
  test('is accepted by an API server unchanged', async () => {
    const objects = await build(overlay)
    const answer = await apply(objects, '--dry-run=server')
    expect(answer.split('\n')).toHaveLength(objects.length)
    expect(answer).toContain('deployment.apps/authservice-operator serverside-applied')
  })

  test('has one set of permissions', async () => {
    const expected = overlay === 'namespaced' ? [] : ['ClusterRole', 'ClusterRoleBinding']
    expect(ofWholeCluster(await build(overlay)).sort()).toEqual(expected)
  })

  test('uses no PriorityClass that a cluster may restrict to kube-system', async () => {
    const objects = await build(overlay)
    const asked = podsOf(objects)?.spec.priorityClassName
    const brought = objects.filter(({ kind }) => kind === 'PriorityClass').map(({ metadata }) => metadata.name)
    expect(brought).toEqual(asked === undefined ? [] : [asked])
    expect(asked ?? '').not.toMatch(/^system-/)
  })

  test('allows exactly the connections that the operator needs', async () => {
    const objects = await build(overlay)
    const [policy, ...others] = objects.filter(({ kind }) => kind === 'NetworkPolicy')
    expect(others).toEqual([])
    expect(podsOf(objects)?.metadata.labels).toMatchObject(policy?.spec?.podSelector?.matchLabels ?? { none: '' })
    const portsOf = (rules: { ports: { port: number }[] }[] = []) =>
      [...new Set(rules.flatMap(({ ports }) => ports.map(({ port }) => port)))].sort((a, b) => a - b)
    expect(portsOf(policy?.spec?.ingress)).toEqual([8080])
    // DNS, the API server, edge pods, server pods and Prometheus.
    expect(portsOf(policy?.spec?.egress)).toEqual(
      [53, ...apiServerPorts, edgeLayout.ports.health, serverPorts.observability].sort((a, b) => a - b),
    )
  })

  test('allows queries to a DNS server on the node, such as NodeLocal DNSCache', async () => {
    const policy = (await build(overlay)).find(({ kind }) => kind === 'NetworkPolicy')
    const rules = policy?.spec?.egress?.filter(({ ports }) => ports.some(({ port }) => port === 53))
    expect(rules).toHaveLength(1)
    expect(rules?.[0]).not.toHaveProperty('to')
  })
})

const podsOf = (objects: readonly Built[]) => objects.find(({ kind }) => kind === 'Deployment')?.spec?.template

describe('images of an overlay with a private registry', () => {
  const own = {
    RELATED_IMAGE_API_SERVER: 'registry.example.com/auth/api-server:0.1.0',
    RELATED_IMAGE_REDIS: 'registry.example.com/library/redis:8.0',
    RELATED_IMAGE_MONGODB: 'registry.example.com/library/mongo:8.0',
    RELATED_IMAGE_NGINX: 'registry.example.com/library/nginx:1.30',
  }

  /** The environment of the operator's container in the base, with the patches of an overlay. */
  async function imagesWith(patched: Record<string, string>) {
    const [container] = podsOf(await build('production'))?.spec.containers ?? []
    const base = Object.fromEntries(container?.env?.map(({ name, value }) => [name, value]) ?? [])
    return readConfig({ ...base, ...patched }).images
  }

  test('all come from that registry, although it names no image that sets up managed MongoDBs', async () => {
    const { helper, ...others } = await imagesWith(own)
    for (const image of [helper ?? others.server, ...Object.values(others)]) {
      expect(image).toMatch(/^registry[.]example[.]com\//)
    }
  })

  test('set up MongoDBs in their own version if the overlay changes nothing', async () => {
    expect((await imagesWith({})).helper).toBeDefined()
  })
})

test('the overlay for namespaces watches the namespaces that it has Roles in', async () => {
  const objects = await build('namespaced')
  const [container] = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec.containers ?? []
  const watched = container?.env?.find(({ name }) => name === 'WATCH_NAMESPACES')?.value
  const bound = objects.filter(
    ({ kind, metadata }) => kind === 'RoleBinding' && metadata.namespace !== 'authservice-system',
  )
  expect(bound.map(({ metadata }) => metadata.namespace).join()).toBe(watched)
})
