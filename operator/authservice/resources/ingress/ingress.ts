import { metadataOf } from '../../model/labels.ts'
import { type RouteLimit, rateLimitIntent } from '../rate-limits.ts'
import type { Child, TemplateInput } from '../render-input.ts'
import {
  controllerOf,
  generalAnnotations,
  hostAnnotations,
  type IngressController,
  limitAnnotations,
} from './ingress-controllers.ts'

/**
 * Keys that take effect once for each Ingress: if several of our Ingresses had them, they would create the same object
 * twice.
 */
const onlyOnce = /^(cert-manager\.io|acme\.cert-manager\.io|external-dns\.alpha\.kubernetes\.io)\//

/**
 * The Ingress, and one more for each limit that applies only to some paths: annotations apply to a whole Ingress, and
 * controllers merge Ingresses of the same host.
 */
export function renderIngresses(input: TemplateInput): Child[] {
  const { type } = input.resolved.ingress
  if (type !== 'Ingress') return []
  const controller = controllerOf(input.exposure)
  const limits = rateLimitIntent(input.resolved.rateLimits).filter((limit) => isKept(input, controller, limit))
  const ofPaths = limits.filter(({ paths }) => paths.length > 0)
  const ofAll = limits.find(({ paths }) => paths.length === 0)
  const routes = ofPaths.map((limit) => routeIngress(input, controller, limit))
  if (controller === 'f5') return [master(input), catchAll(input, controller, ofAll, '-all'), ...routes]
  return [catchAll(input, controller, ofAll, ''), ...routes, ...middlewares(input, controller, limits)]
}

/** The name of a Middleware in the form of Traefik's annotation. */
function middlewareReference({ owner }: TemplateInput, { name }: RouteLimit): string {
  return `${owner.namespace}-${middlewareName(owner.name, name)}@kubernetescrd`
}

export function middlewareName(authService: string, limit: RouteLimit['name']): string {
  return `${authService}-${limit.toLowerCase()}`
}

function isKept(input: TemplateInput, controller: IngressController, limit: RouteLimit): boolean {
  if (controller === 'traefik' && input.exposure.availabilities.middleware !== 'available') return false
  return limitAnnotations(controller, limit, '') !== undefined
}

/**
 * The controller of F5 merges the paths of several Ingresses of one host only below a master, which has no paths
 * itself.
 */
function master(input: TemplateInput): Child {
  const annotations = {
    ...hostAnnotations('f5', input.resolved.traits.hsts),
    'nginx.org/mergeable-ingress-type': 'master',
  }
  return ingress(input, input.owner.name, annotations, {
    rules: [{ host: input.resolved.ingress.host }],
    ...tlsOf(input, input.resolved.ingress.host),
  })
}

function catchAll(
  input: TemplateInput,
  controller: IngressController,
  limit: RouteLimit | undefined,
  suffix: string,
): Child {
  return ingress(input, `${input.owner.name}${suffix}`, limitsFor(input, controller, limit), {
    rules: [rule(hostOf(input), everyPath)],
    ...(controller !== 'f5' && tlsOf(input, input.resolved.ingress.host)),
  })
}

function routeIngress(input: TemplateInput, controller: IngressController, limit: RouteLimit): Child {
  const paths = limit.paths.map((path) => ({ path, pathType: 'Exact' }))
  return ingress(input, `${input.owner.name}-${limit.name}`, limitsFor(input, controller, limit), {
    rules: [rule(hostOf(input), paths)],
    ...(controller !== 'f5' && tlsOf(input, input.resolved.ingress.host)),
  })
}

function limitsFor(input: TemplateInput, controller: IngressController, limit: RouteLimit | undefined) {
  return {
    ...generalAnnotations(controller),
    ...(controller === 'f5' && { 'nginx.org/mergeable-ingress-type': 'minion' }),
    ...(limit !== undefined && limitAnnotations(controller, limit, middlewareReference(input, limit))),
  }
}

/** Only the Ingress with the name of the AuthService has the annotations that take effect once. */
export function ingress(input: TemplateInput, name: string, compiled: Record<string, string>, spec: object): Child {
  const { className, annotations } = input.resolved.ingress
  const own = Object.entries(annotations).filter(([key]) => name === input.owner.name || !onlyOnce.test(key))
  const all = { ...compiled, ...Object.fromEntries(own) }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...metadataOf(input, name, 'edge'),
      ...(Object.keys(all).length > 0 && { annotations: all }),
    },
    spec: { ...(className !== undefined && { ingressClassName: className }), ...spec },
  }
}

/** Paths that an Ingress routes. */
type Paths = readonly { path: string; pathType: string }[]

export const everyPath: Paths = [{ path: '/', pathType: 'Prefix' }]

function hostOf({ owner, resolved }: TemplateInput) {
  return { host: resolved.ingress.host, service: owner.name }
}

export function rule({ host, service }: { host: string; service: string }, paths: Paths) {
  const backend = { service: { name: service, port: { name: 'http' } } }
  return { host, http: { paths: paths.map((path) => ({ ...path, backend })) } }
}

/** Without its own Secret, the controller uses its default certificate. */
export function tlsOf({ resolved: { ingress } }: TemplateInput, host: string) {
  const { tls } = ingress
  const secretName = tls.kind === 'provided' || tls.kind === 'issued' ? tls.secretName : undefined
  return { tls: [{ hosts: [host], ...(secretName !== undefined && { secretName }) }] }
}

function middlewares(input: TemplateInput, controller: IngressController, limits: readonly RouteLimit[]): Child[] {
  return controller === 'traefik' ? limits.map((limit) => rateLimitMiddleware(input, limit)) : []
}

/** @see https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/ratelimit/ */
export function rateLimitMiddleware(input: TemplateInput, { name, rate, burst }: RouteLimit): Child {
  return {
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'Middleware',
    metadata: metadataOf(input, middlewareName(input.owner.name, name), 'edge'),
    spec: { rateLimit: { average: rate.count, period: `${rate.perSeconds}s`, burst: Math.max(1, burst) } },
  }
}
