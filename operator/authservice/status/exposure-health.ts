import type { HttpRoute } from '../model/exposure.ts'
import type { Health } from '../model/health.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { certificateName } from '../resources/edge/certificate.ts'

/** The part of cert-manager.io/v1 Certificate that is read. */
type Certificate = Manifest & { status?: { conditions?: { type: string; status: string; message?: string }[] } }
/** The part of v1 Service that is read. */
type Service = Manifest & {
  spec?: { type?: string }
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }
}
/** The part of networking.k8s.io/v1 Ingress that is read. */
type Ingress = Manifest & { status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } } }

/**
 * Whether clients can connect.
 *
 * @param edge health of the operator's own Nginx pods
 */
export function exposureHealth(
  snapshot: Pick<Snapshot, 'authService' | 'resolved' | 'children' | 'exposure' | 'edgeRefusal'>,
  edge: Health,
): Health {
  const certificate = certificateHealth(snapshot)
  const health = withoutCertificate(snapshot, edge)
  return health.state === 'ready' && certificate !== undefined ? certificate : health
}

function withoutCertificate(snapshot: Parameters<typeof exposureHealth>[0], edge: Health): Health {
  const { name } = snapshot.authService.metadata
  switch (snapshot.resolved.ingress.type) {
    case 'Ingress':
      return ingressHealth(findChild<Ingress>(snapshot, 'Ingress', name), name, snapshot.exposure)
    case 'Gateway':
      return routeHealth(findChild<HttpRoute>(snapshot, 'HTTPRoute', name), name)
    default:
      if (snapshot.edgeRefusal !== undefined) {
        return { state: 'failed', message: `${snapshot.edgeRefusal} (it keeps the previous one)` }
      }
      return edge.state === 'ready'
        ? (addressMissing(findChild<Service>(snapshot, 'Service', `${name}-edge`), name) ?? edge)
        : edge
  }
}

/** @see https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer */
function addressMissing(service: Service | undefined, name: string): Health | undefined {
  if (service === undefined) return { state: 'waiting', message: `Service ${name}-edge is being created` }
  if (service.spec?.type !== 'LoadBalancer' || (service.status?.loadBalancer?.ingress?.length ?? 0) > 0)
    return undefined
  const message =
    `Service ${name}-edge has no address yet: the load balancer of the cluster has not assigned one ` +
    `(kubectl describe service ${name}-edge). If the cluster has no load balancer, write ingress.nginx.serviceType: NodePort.`
  return { state: 'waiting', message }
}

/**
 * Controllers that in their default settings always report an address once clients can connect: that of a load balancer
 * that they create, or that of their own Service. Others report one only if they are configured with the name of the
 * Service.
 */
const publishers: ReadonlySet<string> = new Set([
  'k8s.io/ingress-nginx',
  'ingress.k8s.aws/alb',
  'eks.amazonaws.com/alb',
  'azure/application-gateway',
])

/** @see https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/#IngressStatus */
function ingressHealth(ingress: Ingress | undefined, name: string, { ingressClass }: Snapshot['exposure']): Health {
  if (ingress === undefined) return { state: 'waiting', message: `Ingress ${name} is being created` }
  const addresses = ingress.status?.loadBalancer?.ingress?.flatMap(({ ip, hostname }) => ip ?? hostname ?? []) ?? []
  const by = ingressClass === undefined ? '' : ` of class ${ingressClass.metadata.name}`
  if (addresses.length > 0) {
    return { state: 'ready', message: `Ingress ${name}${by} is ready at ${addresses.join(', ')}` }
  }
  const controller = ingressClass?.spec?.controller ?? ''
  if (!publishers.has(controller)) {
    const message =
      `Ingress ${name}${by} exists and has no address: not every controller reports one, so the operator does not ` +
      'know whether clients can connect'
    return { state: 'ready', message }
  }
  const message =
    `Ingress ${name}${by} has no address yet: check that its controller ${controller} runs and that its load balancer ` +
    `has an address (kubectl describe ingress ${name}).` +
    (controller === 'k8s.io/ingress-nginx'
      ? ' If clients reach the controller by node ports, set its address with --publish-status-address.'
      : '')
  return { state: 'waiting', message }
}

/** @see https://gateway-api.sigs.k8s.io/concepts/api-overview/#route-status */
function routeHealth(route: HttpRoute | undefined, name: string): Health {
  if (route === undefined) return { state: 'waiting', message: `HTTPRoute ${name} is being created` }
  const parents = route.status?.parents ?? []
  for (const { parentRef, conditions = [] } of parents) {
    const refusal = conditions.find(
      ({ type, status }) => (type === 'Accepted' || type === 'ResolvedRefs') && status === 'False',
    )
    if (refusal !== undefined) {
      const message = `Gateway ${parentRef?.name ?? '?'} refuses HTTPRoute ${name}: ${refusal.message ?? refusal.reason}`
      return { state: 'failed', message }
    }
  }
  const wanted = route.spec?.parentRefs?.length ?? 0
  const accepted = parents.filter(({ conditions = [] }) =>
    conditions.some(({ type, status }) => type === 'Accepted' && status === 'True'),
  )
  return accepted.length >= wanted
    ? { state: 'ready', message: `HTTPRoute ${name} is accepted by ${wanted} of ${wanted} Gateways` }
    : { state: 'waiting', message: `HTTPRoute ${name} is accepted by ${accepted.length} of ${wanted} Gateways` }
}

/** undefined: it exists, or none is desired. */
function certificateHealth(snapshot: Parameters<typeof exposureHealth>[0]): Health | undefined {
  const { tls, type } = snapshot.resolved.ingress
  if (tls.kind !== 'issued' || (type !== 'Nginx' && type !== 'Ingress')) return undefined
  const name = certificateName(snapshot.authService.metadata.name)
  const certificate = findChild<Certificate>(snapshot, 'Certificate', name)
  const ready = certificate?.status?.conditions?.find((condition) => condition.type === 'Ready')
  if (ready?.status === 'True') return undefined
  const because = ready?.message === undefined ? '' : `: ${ready.message}`
  return { state: 'waiting', message: `waiting for cert-manager to issue Certificate ${name}${because}` }
}
