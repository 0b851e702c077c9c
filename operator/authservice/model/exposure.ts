import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Availabilities } from './kinds.ts'
import type { Manifest } from './manifest.ts'

/** The part of networking.k8s.io/v1 IngressClass that is read. */
export interface IngressClass {
  metadata: { name: string; annotations?: Record<string, string> }
  spec?: { controller?: string }
}

/** What the cluster provides to expose a server, apart from the Nginx pods that the operator runs. */
export interface Exposure {
  /** Which of the optional kinds can be used. */
  availabilities: Availabilities
  /** The class of the Ingress; undefined: there is none, or the operator may not read it. */
  ingressClass: IngressClass | undefined
  /** Controllers that have reported on the HTTPRoute. */
  gatewayControllers: readonly string[]
}

/** A cluster that provides none of it. */
export const noExposure: Exposure = {
  availabilities: {
    certificate: 'absent',
    httpRoute: 'absent',
    middleware: 'absent',
    trafficPolicy: 'absent',
    podMonitor: 'absent',
    prometheusRule: 'absent',
    ingressClass: 'available',
  },
  ingressClass: undefined,
  gatewayControllers: [],
}

export const defaultClassAnnotation = 'ingressclass.kubernetes.io/is-default-class'

/** The class of an Ingress of this spec: the one that it names, otherwise the default of the cluster. */
export function ingressClassOf(
  { className }: Pick<ResolvedSpec['ingress'], 'className'>,
  classes: readonly IngressClass[],
): IngressClass | undefined {
  return classes.find(({ metadata }) =>
    className === undefined ? metadata.annotations?.[defaultClassAnnotation] === 'true' : metadata.name === className,
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
