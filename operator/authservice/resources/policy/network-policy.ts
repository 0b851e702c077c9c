import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { ResolvedSpec } from '../../api/resolved-spec.ts'
import { type Component, metadataOf, selectorOf } from '../../model/labels.ts'
import { mongodbPort } from '../databases/mongodb.ts'
import { redisPort } from '../databases/redis.ts'
import { edgeLayout } from '../edge/edge-layout.ts'
import type { Child, RenderInput, TemplateInput } from '../render-input.ts'
import { serverPorts } from '../server/server-environment.ts'

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

/** A connection between two components of one AuthService: allowed at both ends, and nowhere else. */
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
  // The migration reports the configuration of Redis.
  { from: 'migration', to: 'redis', port: redisPort },
  { from: 'backup', to: 'mongodb', port: mongodbPort },
]

/** The address of a name server depends on the cluster, and some run on the node itself. */
const dns = {
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ] satisfies Port[],
}
/** All pods in the cluster, but no client outside of it. */
const everyPod: Peer = { namespaceSelector: {} }

/**
 * One policy for each component: which connections it may accept and open. Everything else is denied in both
 * directions.
 */
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

/** During a switch of databases, pods of both revisions need to reach theirs. */
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

/** Includes components that no longer exist: while a spec changes, their last pods may still have connections. */
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
      // The operator cannot know which pods serve an Ingress or a Gateway, nor whether they use the host network.
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
  // A rule without peers would allow every source.
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
      return [
        dns,
        ...toRedis(input),
        ...toMongoDb(input),
        ...toMail(input),
        ...toCollector(input),
        ...toProviders(input),
        ...toLogoutReceivers(input),
      ]
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

/** By ports: the metadata of a provider can name further hosts, which have the port of https. */
function toProviders({ resolved: { identityProviders } }: TemplateInput) {
  if (identityProviders.length === 0) return []
  const ports = identityProviders.map(({ entry: { issuer = '' } }) => Number(URL.parse(issuer)?.port || 443))
  return [{ ports: [...new Set([443, ...ports])].sort((one, other) => one - other).map(tcp) }]
}

/**
 * A policy applies to the port of a pod, which need not be that of its Service: so the pods of the namespace of a Service
 * can be reached on each of their ports. Servers send to the listed hosts and ports only.
 */
function toLogoutReceivers({ resolved: { oidc } }: TemplateInput) {
  const rules = (oidc?.logoutReceivers ?? []).map(({ host, port }) => {
    const namespace = /^[^.]+[.]([^.]+)[.]svc([.]|$)/.exec(host)?.[1]
    return namespace === undefined ? outside(host, port) : { to: [podsIn(namespace)] }
  })
  return rules.filter((rule, index) => !rules.slice(0, index).some((earlier) => isDeepStrictEqual(earlier, rule)))
}

/**
 * A host name can resolve to any address, and a NetworkPolicy cannot contain names: only the port can be restricted.
 */
function outside(host: string, port: number) {
  // In a URL, an IPv6 address is in brackets.
  const address = host.replace(/^\[(.*)\]$/, '$1')
  const bits = { 0: undefined, 4: 32, 6: 128 }[isIP(address)]
  const to: Peer[] = [{ ipBlock: { cidr: `${address}/${bits}` } }]
  return { ...(bits !== undefined && { to }), ports: [tcp(port)] }
}

function toMongoDb({ resolved, referencedSecrets }: TemplateInput) {
  const { source } = resolved.mongodb
  if (source.kind === 'managed') return []
  const url = referencedSecrets.get(source.urlSecretRef.name)?.[source.urlSecretRef.key] ?? ''
  return [{ ports: mongodbPortsIn(url).map(tcp) }]
}

/**
 * Ports of the hosts in a connection string. A mongodb+srv URL contains none: they are in its DNS record, and almost
 * always this one.
 * @see https://www.mongodb.com/docs/manual/reference/connection-string/
 */
export function mongodbPortsIn(url: string): number[] {
  const hosts = /^mongodb:\/\/(?:[^/]*@)?([^/?]+)/.exec(url)?.[1] ?? ''
  const ports = hosts.split(',').map((host) => Number(/:(\d{1,5})$/.exec(host)?.[1] ?? mongodbPort))
  return [...new Set(ports)].sort((a, b) => a - b)
}

function podsIn(namespace: string): Peer {
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }
}

function podsOf(name: string, component: Component): Peer {
  return { podSelector: { matchLabels: selectorOf(name, component) } }
}

function tcp(port: number): Port {
  return { protocol: 'TCP', port }
}
