import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import type { AuthServiceSpec } from '../../../operator/authservice/api/schema.ts'
import { noExposure } from '../../../operator/authservice/model/exposure.ts'
import { type Component, labelsOf } from '../../../operator/authservice/model/labels.ts'
import { renderNetworkPolicies } from '../../../operator/authservice/resources/policy/network-policy.ts'
import type { Endpoint, Policy } from './evaluate.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }
const destination = { persistentVolumeClaim: { claimName: 'backups' } }
/** A spec with every component. */
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
    exposure: noExposure,
    edgeShowsSecret: true,
  })
  // The rendered children are NetworkPolicies. The API server checks their schema in the integration tests.
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
/** Specs whose policies differ, by what they are about. */
export const specs: Readonly<Record<string, AuthServiceSpec>> = {
  'Nginx and managed databases': managed,
  'an Ingress': { ...managed, ingress: { type: 'Ingress' } },
  'no exposure, and named clients': {
    ...managed,
    ingress: { type: 'None' },
    networkPolicy: {
      allowFrom: [
        { podSelector: { matchLabels: { app: 'shop' } } },
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } },
      ],
    },
  },
  'databases outside': {
    ...managed,
    mongodb: { external: { urlSecretRef: { name: 'm', key: 'url' } } },
    redis: { external: { host: '203.0.113.7' } },
  },
}

/** Everything that may connect to an AuthService. Its own components come first. */
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
