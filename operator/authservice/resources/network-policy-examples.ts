import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import { nothingInFront } from '../front.ts'
import type { Endpoint, Policy } from './may-connect.ts'
import { type Component, labelsOf } from './metadata.ts'
import { renderNetworkPolicies } from './network-policy.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }
const destination = { persistentVolumeClaim: { claimName: 'backups' } }
/** A spec with every part. */
export const managed: AuthServiceSpec = {
  environment: 'staging',
  mongodb: {},
  redis: {},
  backup: { schedule: '0 3 * * *', destination },
}

export function policiesOf(spec: AuthServiceSpec): Policy[] {
  const children = renderNetworkPolicies({
    owner: { ...metadata, uid: 'uid' },
    resolved: resolveSpec({ metadata, spec }),
    images: { server: '', setup: '', redis: '', mongodb: '', nginx: '' },
    restartedBy: undefined,
    keptEgress: [],
    secrets: [],
    referencedSecrets: new Map([['m', { url: 'mongodb://user:p%40ss@a.example:27018,b.example/auth?tls=true' }]]),
    front: nothingInFront,
  })
  // The rendered children are NetworkPolicies; the API server of the integration tests checks their shape.
  return children as unknown as Policy[]
}

const pod = (name: string, namespace: string, labels: Record<string, string>): Endpoint => ({
  name,
  namespace,
  labels,
  namespaceLabels: { 'kubernetes.io/metadata.name': namespace },
})
const part = (component: Component, instance = 'accounts') => ({
  ...pod(component, 'team-a', labelsOf(instance, component)),
  name: instance === 'accounts' ? component : `${component} of ${instance}`,
})
/** Everybody who may want to talk to an AuthService; its own parts come first. */
export const endpoints: readonly Endpoint[] = [
  ...(['server', 'redis', 'mongodb', 'edge', 'migration', 'backup', 'smoke-test'] as const).map((one) => part(one)),
  part('server', 'others'),
  pod('neighbour', 'team-a', { app: 'shop' }),
  pod('prometheus', 'monitoring', { app: 'prometheus' }),
  pod('controller', 'ingress', { app: 'ingress' }),
  pod('name server', 'kube-system', { 'k8s-app': 'kube-dns' }),
  { name: 'the internet', address: '203.0.113.7' },
]
export const ports = [53, 8080, 8081, 8443, 9090, 6379, 27_017, 27_018, 2525, 4318].map((port) => ({
  protocol: 'TCP',
  port,
}))
