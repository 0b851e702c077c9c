import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { Manifest } from './apply/plan.ts'
import type { Availabilities } from './kinds.ts'

/** The part of networking.k8s.io/v1 IngressClass that is read. */
export interface IngressClass {
  metadata: { name: string; annotations?: Record<string, string> }
  spec?: { controller?: string }
}

/** What the cluster has to put in front of a server, beyond the Nginx pods that the operator runs itself. */
export interface Front {
  /** Which of the kinds that a cluster may lack can be used. */
  availabilities: Availabilities
  /** The class that serves the Ingress; undefined: there is none, or it may not be read. */
  ingressClass: IngressClass | undefined
  /** Controllers that have answered to the HTTPRoute. */
  gatewayControllers: readonly string[]
}

/** A cluster that has nothing of it. */
export const nothingInFront: Front = {
  availabilities: {
    ...{ certificate: 'absent', httpRoute: 'absent', middleware: 'absent', trafficPolicy: 'absent' },
    ...{ podMonitor: 'absent', prometheusRule: 'absent' },
    ingressClass: 'available',
  },
  ingressClass: undefined,
  gatewayControllers: [],
}

const defaultClass = 'ingressclass.kubernetes.io/is-default-class'

/** The class that an Ingress of this spec gets: the one that it names, else the cluster's default. */
export function ingressClassOf(
  { className }: Pick<ResolvedSpec['ingress'], 'className'>,
  classes: readonly IngressClass[],
): IngressClass | undefined {
  return classes.find(({ metadata }) =>
    className === undefined ? metadata.annotations?.[defaultClass] === 'true' : metadata.name === className,
  )
}

/** The part of gateway.networking.k8s.io/v1 HTTPRoute that is read. */
export type HttpRoute = Manifest & {
  spec?: { parentRefs?: unknown[] }
  status?: {
    parents?: {
      parentRef?: { name?: string }
      controllerName?: string
      conditions?: { type: string; status: string; reason?: string; message?: string }[]
    }[]
  }
}

export function gatewayControllersOf(route: HttpRoute | undefined): string[] {
  const names = route?.status?.parents?.flatMap(({ controllerName }) => controllerName ?? []) ?? []
  return [...new Set(names)].sort()
}
