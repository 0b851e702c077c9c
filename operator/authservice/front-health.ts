import type { Manifest } from './apply/plan.ts'
import type { HttpRoute } from './front.ts'
import type { Health } from './health.ts'
import { certificateName } from './resources/certificate.ts'
import { findChild, type Snapshot } from './snapshot.ts'

/** The part of cert-manager.io/v1 Certificate that is read. */
type Certificate = Manifest & { status?: { conditions?: { type: string; status: string; message?: string }[] } }
/** The part of networking.k8s.io/v1 Ingress that is read. */
type Ingress = Manifest & { status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } } }

/**
 * Whether clients can come in.
 *
 * @param edge how the operator's own Nginx pods are
 */
export function frontHealth(
  snapshot: Pick<Snapshot, 'authService' | 'resolved' | 'children' | 'front' | 'edgeRefusal'>,
  edge: Health,
): Health {
  const certificate = certificateHealth(snapshot)
  const front = withoutCertificate(snapshot, edge)
  return front.state === 'ready' && certificate !== undefined ? certificate : front
}

function withoutCertificate(snapshot: Parameters<typeof frontHealth>[0], edge: Health): Health {
  const { name } = snapshot.authService.metadata
  switch (snapshot.resolved.ingress.type) {
    case 'Ingress':
      return ingressHealth(findChild<Ingress>(snapshot, 'Ingress', name), name, snapshot.front)
    case 'Gateway':
      return routeHealth(findChild<HttpRoute>(snapshot, 'HTTPRoute', name), name)
    default:
      return snapshot.edgeRefusal === undefined
        ? edge
        : { state: 'failed', message: `${snapshot.edgeRefusal} (it goes on with the one before)` }
  }
}

/** Controllers need not say where they listen, so an Ingress that is there counts as ready, as kstatus has it. */
function ingressHealth(ingress: Ingress | undefined, name: string, { ingressClass }: Snapshot['front']): Health {
  if (ingress === undefined) return { state: 'waiting', message: `Ingress ${name} is being created` }
  const addresses = ingress.status?.loadBalancer?.ingress?.flatMap(({ ip, hostname }) => ip ?? hostname ?? []) ?? []
  const where = addresses.length === 0 ? 'no address reported yet' : `at ${addresses.join(', ')}`
  const by = ingressClass === undefined ? '' : ` of class ${ingressClass.metadata.name}`
  return { state: 'ready', message: `Ingress ${name}${by} is there, ${where}` }
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

/** undefined: it is there, or none is wanted. */
function certificateHealth(snapshot: Parameters<typeof frontHealth>[0]): Health | undefined {
  const { tls, type } = snapshot.resolved.ingress
  if (tls.kind !== 'issued' || (type !== 'Nginx' && type !== 'Ingress')) return undefined
  const name = certificateName(snapshot.authService.metadata.name)
  const certificate = findChild<Certificate>(snapshot, 'Certificate', name)
  const ready = certificate?.status?.conditions?.find((condition) => condition.type === 'Ready')
  if (ready?.status === 'True') return undefined
  const because = ready?.message === undefined ? '' : `: ${ready.message}`
  return { state: 'waiting', message: `waiting for cert-manager to issue Certificate ${name}${because}` }
}
