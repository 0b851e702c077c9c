import type { Resource } from '../../kube/objects.ts'
import type { Availability } from '../../kube/optional-kinds.ts'
import { apiVersion, kind, plural } from '../api/group.ts'

export const authServices: Resource = { apiVersion, kind, plural, namespaced: true }
export const pods: Resource = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true }
export const secrets: Resource = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true }
export const deployments: Resource = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
}
/** Created by the cluster for each Service, with the labels of the Service. */
export const endpointSlices: Resource = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
}
export const volumeClaims: Resource = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  namespaced: true,
}

/** Kinds of children that every cluster has. Each is watched, and pruned when it is no longer desired. */
export const childKinds: readonly Resource[] = [
  secrets,
  deployments,
  { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true },
  { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
  { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets', namespaced: true },
  { apiVersion: 'apps/v1', kind: 'ControllerRevision', plural: 'controllerrevisions', namespaced: true },
  { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true },
  { apiVersion: 'batch/v1', kind: 'CronJob', plural: 'cronjobs', namespaced: true },
  {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    namespaced: true,
  },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', namespaced: true },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', plural: 'networkpolicies', namespaced: true },
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', plural: 'ingresses', namespaced: true },
]

/**
 * Kinds of children that a cluster has only if they are installed. While it has them, they are treated like other
 * kinds.
 */
export const optionalKinds = {
  certificate: { apiVersion: 'cert-manager.io/v1', kind: 'Certificate', plural: 'certificates', namespaced: true },
  httpRoute: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes', namespaced: true },
  middleware: { apiVersion: 'traefik.io/v1alpha1', kind: 'Middleware', plural: 'middlewares', namespaced: true },
  podMonitor: { apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor', plural: 'podmonitors', namespaced: true },
  prometheusRule: {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    plural: 'prometheusrules',
    namespaced: true,
  },
  trafficPolicy: {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'BackendTrafficPolicy',
    plural: 'backendtrafficpolicies',
    namespaced: true,
  },
} as const satisfies Record<string, Resource>

/** Names the controller of an Ingress. Cluster-scoped, so not every operator may read it. */
export const ingressClasses: Resource = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
}

/** Which of these kinds the cluster has, and whether its classes may be read. */
export type Availabilities = Readonly<Record<keyof typeof optionalKinds | 'ingressClass', Availability>>

const byKind = new Map([...childKinds, ...Object.values(optionalKinds)].map((resource) => [resource.kind, resource]))

/** Where the API serves the kind of a child. */
export function resourceOf(child: { kind: string; metadata: { name: string } }): Resource {
  const resource = byKind.get(child.kind)
  if (resource === undefined) {
    throw new Error(
      `${child.kind} ${child.metadata.name} has a kind that is not watched: add it to childKinds or optionalKinds`,
    )
  }
  return resource
}
