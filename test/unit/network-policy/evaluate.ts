/**
 * Evaluates NetworkPolicies for tests without a cluster. Cyclonus and a real engine agree with it, in other tests.
 * Supports what the operator writes: labels by equality, single ports, and CIDRs of one address.
 * @see https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */

type Labels = Readonly<Record<string, string>>

/** One end of a connection: a pod, or an address outside of the cluster. */
export type Endpoint =
  | { name: string; namespace: string; labels: Labels; namespaceLabels: Labels }
  | { name: string; address: string }

interface Selector {
  matchLabels?: Labels
}
interface Peer {
  podSelector?: Selector
  namespaceSelector?: Selector
  ipBlock?: { cidr: string }
}
interface Rule {
  from?: readonly Peer[]
  to?: readonly Peer[]
  ports?: readonly { protocol: string; port: number }[]
}
export interface Policy {
  metadata: { namespace?: string }
  spec: { podSelector: Selector; ingress: readonly Rule[]; egress: readonly Rule[] }
}

/** Whether the egress rules of one end and the ingress rules of the other allow a connection. */
export function mayConnect(
  policies: readonly Policy[],
  from: Endpoint,
  to: Endpoint,
  port: { protocol: string; port: number },
): boolean {
  const passes = (own: Endpoint, other: Endpoint, direction: 'ingress' | 'egress') => {
    const about = policies.filter((policy) => isAbout(policy, own))
    if (about.length === 0) return true
    return about.some(({ metadata, spec }) =>
      spec[direction].some(
        (rule) =>
          matchesPeers(direction === 'ingress' ? rule.from : rule.to, other, metadata.namespace) &&
          (rule.ports === undefined ||
            rule.ports.some((open) => open.port === port.port && open.protocol === port.protocol)),
      ),
    )
  }
  return passes(from, to, 'egress') && passes(to, from, 'ingress')
}

/** Whether the policy isolates this end. An end that no policy selects is open. */
export function isAbout({ metadata, spec }: Policy, endpoint: Endpoint): boolean {
  return 'labels' in endpoint && endpoint.namespace === metadata.namespace && selects(spec.podSelector, endpoint.labels)
}

/** A rule without peers, or with an empty list, allows every peer inside and outside of the cluster. */
function matchesPeers(peers: readonly Peer[] | undefined, endpoint: Endpoint, namespace: string | undefined): boolean {
  if (peers === undefined || peers.length === 0) return true
  return peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
    if (!('labels' in endpoint)) return ipBlock?.cidr === `${endpoint.address}/32`
    if (ipBlock !== undefined) return false
    const inNamespace =
      namespaceSelector === undefined
        ? endpoint.namespace === namespace
        : selects(namespaceSelector, endpoint.namespaceLabels)
    return inNamespace && selects(podSelector ?? {}, endpoint.labels)
  })
}

function selects({ matchLabels = {} }: Selector, labels: Labels): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
}
