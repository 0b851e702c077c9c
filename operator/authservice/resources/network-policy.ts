import { isIPv4 } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import { edgeLayout } from './edge-layout.ts'
import { type Component, metadataOf, selectorOf } from './metadata.ts'
import { mongodbPort } from './mongodb.ts'
import { redisPort } from './redis.ts'
import type { Child, RenderInput, TemplateInput } from './render-input.ts'
import { serverPorts } from './server-environment.ts'

/** @see https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#networkpolicypeer-v1-networking-k8s-io */
type Peer =
  | {
      podSelector?: { matchLabels?: Record<string, string> }
      namespaceSelector?: { matchLabels?: Record<string, string> }
    }
  | { ipBlock: { cidr: string } }
interface Port {
  protocol: 'TCP' | 'UDP'
  port: number
}

/** A way that connections take between the parts of one AuthService: it is opened at both ends, and nowhere else. */
interface Flow {
  from: Component
  to: Component
  port: number
}

const flows: readonly Flow[] = [
  { from: 'edge', to: 'server', port: serverPorts.api },
  { from: 'smoke-test', to: 'server', port: serverPorts.api },
  { from: 'server', to: 'redis', port: redisPort },
  { from: 'server', to: 'mongodb', port: mongodbPort },
  { from: 'migration', to: 'mongodb', port: mongodbPort },
  // It reports how Redis is set up.
  { from: 'migration', to: 'redis', port: redisPort },
  { from: 'backup', to: 'mongodb', port: mongodbPort },
]

/** Where a name server listens is the cluster's affair, and some answer from the node itself. */
const dns = {
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ] satisfies Port[],
}
/** Every pod of the cluster, and nobody outside of it. */
const everyPod: Peer = { namespaceSelector: {} }

/** One policy for each part: what it may be reached by and what it may reach, and nothing else in both directions. */
export function renderNetworkPolicies(input: TemplateInput & Pick<RenderInput, 'keptEgress'>): Child[] {
  if (!input.resolved.networkPolicy.enabled) return []
  return presentComponents(input.resolved).map((component) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(input, networkPolicyName(input.owner.name, component), component),
    spec: {
      podSelector: { matchLabels: selectorOf(input.owner.name, component) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [...ingressWithin(input, component), ...ingressFromOthers(input.resolved, component)],
      egress: together(
        [...egressWithin(input, component), ...egressToOthers(input, component)],
        component === 'server' ? input.keptEgress : [],
      ),
    },
  }))
}

/** While databases are switched, pods of both revisions reach theirs. */
function together(wanted: readonly unknown[], kept: readonly unknown[]): unknown[] {
  return [...wanted, ...kept.filter((rule) => !wanted.some((own) => isDeepStrictEqual(own, rule)))]
}

export function networkPolicyName(name: string, component: Component): string {
  return component === 'server' ? name : `${name}-${component}`
}

function presentComponents({ redis, mongodb, ingress, backup, rollout }: ResolvedSpec): Component[] {
  return [
    'server',
    'migration',
    ...(redis.kind === 'managed' ? ['redis' as const] : []),
    ...(mongodb.source.kind === 'managed' ? ['mongodb' as const] : []),
    ...(ingress.type === 'Nginx' ? ['edge' as const] : []),
    ...(backup === undefined ? [] : ['backup' as const]),
    ...(rollout.smokeTest.enabled ? ['smoke-test' as const] : []),
  ]
}

/** Of parts that there are none of as well: while a spec changes, the last pods of what it no longer asks for still talk. */
function ingressWithin({ owner }: TemplateInput, component: Component) {
  const open = flows.filter(({ to }) => to === component)
  const ports = [...new Set(open.map(({ port }) => port))]
  return ports.map((port) => ({
    from: open.filter((flow) => flow.port === port).map(({ from }) => podsOf(owner.name, from)),
    ports: [tcp(port)],
  }))
}

function egressWithin({ owner }: TemplateInput, component: Component) {
  return flows
    .filter(({ from }) => from === component)
    .map(({ to, port }) => ({ to: [podsOf(owner.name, to)], ports: [tcp(port)] }))
}

function ingressFromOthers({ ingress, networkPolicy }: ResolvedSpec, component: Component) {
  switch (component) {
    case 'server': {
      // Whose pods serve an Ingress or a Gateway, and whether they share the node's address, is not to be known.
      const controllers = ingress.type === 'Ingress' || ingress.type === 'Gateway'
      const clients = controllers ? [{ ports: [tcp(serverPorts.api)] }] : allowed(networkPolicy.allowFrom)
      // Prometheus and the operator.
      return [...clients, { from: [everyPod], ports: [tcp(serverPorts.observability)] }]
    }
    case 'edge':
      return [
        { ports: [tcp(edgeLayout.ports.https), tcp(edgeLayout.ports.http)] },
        { from: [everyPod], ports: [tcp(edgeLayout.ports.health)] },
      ]
    default:
      return []
  }
}

function allowed(clients: ResolvedSpec['networkPolicy']['allowFrom']) {
  // A rule without peers would allow everybody.
  return clients.length === 0 ? [] : [{ from: clients, ports: [tcp(serverPorts.api)] }]
}

function egressToOthers(input: TemplateInput, component: Component) {
  switch (component) {
    case 'redis':
      return []
    case 'mongodb':
    case 'edge':
    case 'smoke-test':
      return [dns]
    case 'backup':
      return [dns, ...toMongoDb(input)]
    case 'migration':
      return [dns, ...toRedis(input), ...toMongoDb(input)]
    case 'server':
      return [dns, ...toRedis(input), ...toMongoDb(input), ...toMail(input), ...toCollector(input)]
  }
}

function toRedis({ resolved: { redis } }: TemplateInput) {
  return redis.kind === 'managed' ? [] : [outside(redis.host, redis.port)]
}

function toMail({ resolved: { mail } }: TemplateInput) {
  return mail === undefined ? [] : [outside(mail.smtp.host, mail.smtp.port)]
}

function toCollector({ resolved: { tracing } }: TemplateInput) {
  if (tracing === undefined) return []
  const { hostname, port, protocol } = new URL(tracing.otlpEndpoint)
  return [outside(hostname, port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))]
}

/** A host name may lead anywhere, and a NetworkPolicy knows no names: then only the port is left to go by. */
function outside(host: string, port: number) {
  const to: Peer[] = [{ ipBlock: { cidr: `${host}/32` } }]
  return { ...(isIPv4(host) && { to }), ports: [tcp(port)] }
}

function toMongoDb({ resolved, referencedSecrets }: TemplateInput) {
  const { source } = resolved.mongodb
  if (source.kind === 'managed') return []
  const url = referencedSecrets.get(source.urlSecretRef.name)?.[source.urlSecretRef.key] ?? ''
  return [{ ports: mongodbPortsIn(url).map(tcp) }]
}

/**
 * Ports of the hosts in a connection string. One by mongodb+srv names none: its record does, almost always this one.
 * @see https://www.mongodb.com/docs/manual/reference/connection-string/
 */
export function mongodbPortsIn(url: string): number[] {
  const hosts = /^mongodb:\/\/(?:[^/]*@)?([^/?]+)/.exec(url)?.[1] ?? ''
  const ports = hosts.split(',').map((host) => Number(/:(\d{1,5})$/.exec(host)?.[1] ?? mongodbPort))
  return [...new Set(ports)].sort((a, b) => a - b)
}

function podsOf(name: string, component: Component): Peer {
  return { podSelector: { matchLabels: selectorOf(name, component) } }
}

function tcp(port: number): Port {
  return { protocol: 'TCP', port }
}
