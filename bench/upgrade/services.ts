import { stringify } from 'yaml'
import { apiVersion, kind } from '../../operator/authservice/api/group.ts'
import type { AuthServiceSpec } from '../../operator/authservice/api/schema.ts'
import { issueCertificate } from '../../operator/authservice/secrets/system-sources.ts'
import type { EdgeAddress } from '../../tools/cluster-client/edge-client.ts'
import type { Kubectl } from '../../tools/cluster-client/kubectl.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { edgeNodePort } from '../../tools/local-cluster/kind-config.ts'
import { applyCertificate, deleteNamespace, nodeAddress, recreateNamespace, specUnderLoad } from '../load-target.ts'

export const namespace = 'bench-upgrade'

/** An AuthService of the bench. */
export interface ServiceUnderUpgrade {
  name: string
  strategy: 'BlueGreen' | 'RollingUpdate'
  /** Whether it sets `spec.version`. Otherwise, its servers follow the version of the operator. */
  isPinned: boolean
  address: EdgeAddress
}

const plans = [
  { name: 'blue-green', strategy: 'BlueGreen', isPinned: false },
  { name: 'rolling', strategy: 'RollingUpdate', isPinned: false },
  { name: 'pinned', strategy: 'BlueGreen', isPinned: true },
] as const

/**
 * Creates the AuthServices in an empty namespace. They are not ready when this returns.
 *
 * @param version the version of the pinned one
 */
export async function createServices(
  cluster: Cluster,
  kubectl: Kubectl,
  version: string,
): Promise<ServiceUnderUpgrade[]> {
  await recreateNamespace(kubectl, namespace)
  const hosts = plans.map(({ name }) => `${name}.localhost`)
  const certificate = issueCertificate(hosts, new Date())
  await applyCertificate(kubectl, namespace, certificate)
  const nodeIp = await nodeAddress(kubectl)
  const services: ServiceUnderUpgrade[] = []
  for (const [index, plan] of plans.entries()) {
    // The cluster publishes the first node port on this machine. The others are reached by the node's address.
    const nodePort = edgeNodePort + index
    const [ip, port] = index === 0 ? ['127.0.0.1', cluster.edgePort] : [nodeIp, nodePort]
    const host = `${plan.name}.localhost`
    services.push({ ...plan, address: { host, ip, port, ca: certificate['ca.crt'] ?? '' } })
    const spec = { ...specOf(host, nodePort, plan.strategy), ...(plan.isPinned && { version }) }
    const manifest = { apiVersion, kind, metadata: { name: plan.name, namespace }, spec }
    await kubectl.run(['apply', '--filename', '-'], { input: stringify(manifest) })
  }
  return services
}

export async function removeServices(kubectl: Kubectl): Promise<void> {
  await deleteNamespace(kubectl, namespace)
}

/** Changes the spec of an AuthService by a merge patch. */
export async function patchSpec(kubectl: Kubectl, name: string, spec: object): Promise<void> {
  const patch = ['patch', 'authservice', name, '--namespace', namespace, '--type=merge']
  await kubectl.run([...patch, '--patch', JSON.stringify({ spec })])
}

const requestOf = (cpu: string) => ({ requests: { cpu } })
/**
 * The requests of three AuthServices, and of a rollout of all of them at once, fit beside the control plane on a node
 * with two CPUs. They are high enough that running servers and databases have their share while other pods start.
 */
const cpu = { server: requestOf('40m'), database: requestOf('80m'), cache: requestOf('20m'), edge: requestOf('20m') }

/**
 * The presets of development, whose pods request little CPU and memory: cluster and load share one small machine.
 * Databases have volumes, and access tokens outlive the run.
 */
function specOf(host: string, nodePort: number, strategy: ServiceUnderUpgrade['strategy']): AuthServiceSpec {
  const load = specUnderLoad(host, nodePort)
  return {
    ...load,
    environment: 'development',
    replicas: 2,
    autoscaling: { enabled: false },
    resources: cpu.server,
    rollout: {
      strategy,
      minReadySeconds: 1,
      progressDeadlineSeconds: 240,
      ...(strategy === 'BlueGreen' && { blueGreen: { promotion: 'Auto', scaleDownDelaySeconds: 30 } }),
      smokeTest: { enabled: true, timeoutSeconds: 60 },
      analysis: { enabled: true, windowSeconds: 10, minRequests: 20, maxP99LatencyMilliseconds: 1_000 },
    },
    mongodb: { managed: { resources: cpu.database } },
    redis: { managed: { resources: cpu.cache } },
    tokens: {
      issuer: `https://${host}`,
      audience: 'bench',
      accessTokenLifetime: '2h',
      signingKeys: { activationDelay: '90s' },
    },
    ingress: { ...load.ingress, nginx: { ...load.ingress.nginx, resources: cpu.edge } },
  }
}
