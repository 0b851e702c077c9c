import { formatRate } from '../../api/units.ts'
import type { Exposure } from '../../model/exposure.ts'
import { nginxRate, type RouteLimit } from '../rate-limits.ts'

/** Controllers of an Ingress, by the form of their limits. */
export type IngressController = 'f5' | 'ingressNginx' | 'traefik' | 'other'

/** By the name in `spec.controller` of an IngressClass. */
export function controllerOf({ ingressClass }: Pick<Exposure, 'ingressClass'>): IngressController {
  switch (ingressClass?.spec?.controller) {
    case 'nginx.org/ingress-controller':
      return 'f5'
    case 'k8s.io/ingress-nginx':
      return 'ingressNginx'
    case 'traefik.io/ingress-controller':
      return 'traefik'
    default:
      return 'other'
  }
}

type Annotations = Record<string, string>

/** Annotations that each of our Ingresses has with this controller. */
export function generalAnnotations(controller: IngressController): Annotations {
  switch (controller) {
    case 'f5':
      return {}
    case 'ingressNginx':
      return {
        'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true',
        'nginx.ingress.kubernetes.io/proxy-body-size': '16k',
        'nginx.ingress.kubernetes.io/proxy-next-upstream': 'error timeout',
      }
    case 'traefik':
      // Otherwise a router serves HTTPS only on an entry point that is configured for it, and plain HTTP on every other.
      return { 'traefik.ingress.kubernetes.io/router.tls': 'true' }
    case 'other':
      return {}
  }
}

/** Annotations of the Ingress that represents the host: the controller of F5 accepts some only there. */
export function hostAnnotations(controller: IngressController, hsts: boolean): Annotations {
  if (controller !== 'f5') return {}
  return {
    'nginx.org/redirect-to-https': 'true',
    'nginx.org/client-max-body-size': '16k',
    ...(hsts && {
      'nginx.org/hsts': 'true',
      'nginx.org/hsts-max-age': '31536000',
      'nginx.org/hsts-include-subdomains': 'true',
    }),
  }
}

/**
 * The annotations with which a controller enforces a limit.
 * @returns undefined if it cannot
 * @see
 * https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/
 * @see https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#rate-limiting
 */
export function limitAnnotations(
  controller: IngressController,
  limit: RouteLimit,
  middleware: string,
): Annotations | undefined {
  switch (controller) {
    case 'f5':
      return f5Limit(limit)
    case 'ingressNginx':
      return ingressNginxLimit(limit)
    case 'traefik':
      return { 'traefik.ingress.kubernetes.io/router.middlewares': middleware }
    case 'other':
      return undefined
  }
}

function f5Limit({ rate, burst }: RouteLimit): Annotations | undefined {
  const counted = nginxRate(rate)
  if (counted === undefined) return undefined
  return {
    'nginx.org/limit-req-rate': `${counted.count}r/${counted.unit}`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the way the annotation names a variable of Nginx
    'nginx.org/limit-req-key': '${binary_remote_addr}',
    'nginx.org/limit-req-zone-size': '10m',
    ...(burst > 0 && { 'nginx.org/limit-req-burst': String(burst), 'nginx.org/limit-req-no-delay': 'true' }),
    'nginx.org/limit-req-reject-code': '429',
    // Divided among its replicas.
    'nginx.org/limit-req-scale': 'true',
  }
}

function ingressNginxLimit({ rate, burst }: RouteLimit): Annotations | undefined {
  const counted = nginxRate(rate)
  if (counted === undefined) return undefined
  return {
    [`nginx.ingress.kubernetes.io/limit-rp${counted.unit}`]: String(counted.count),
    // The burst is a multiple of the rate, at least one.
    'nginx.ingress.kubernetes.io/limit-burst-multiplier': String(Math.max(1, Math.ceil(burst / counted.count))),
  }
}

/** Differences between the controller and the spec, as sentences for people. */
export function shortcomings(exposure: Exposure, limits: readonly RouteLimit[], { hsts }: { hsts: boolean }): string[] {
  const controller = controllerOf(exposure)
  if (exposure.availabilities.ingressClass !== 'available') {
    return [
      'The operator has no permission to read IngressClasses, so only the server enforces rateLimits: apply manifests/base.',
    ]
  }
  switch (controller) {
    case 'f5':
      return alone(limits)
    case 'ingressNginx':
      return [
        ...alone(limits),
        'Each replica of ingress-nginx counts separately, and answers 503 to requests over a limit unless its ConfigMap has limit-req-status-code: 429.',
        ...(hsts ? ['Its ConfigMap sets HSTS.'] : []),
      ]
    case 'traefik':
      return exposure.availabilities.middleware === 'available'
        ? ['Each replica of Traefik counts separately. Its entry point defines whether HTTP is redirected to HTTPS.']
        : ['The cluster does not have the kind Middleware of traefik.io, so only the server enforces rateLimits.']
    case 'other':
      return [
        `The operator does not know how to configure limits of ${exposure.ingressClass?.spec?.controller ?? 'the controller'}, so only the server enforces rateLimits.`,
      ]
  }
}

function alone(limits: readonly RouteLimit[]): string[] {
  const left = limits.filter(({ rate }) => nginxRate(rate) === undefined)
  if (left.length === 0) return []
  return [`Only the server enforces ${left.map(({ name, rate }) => `${name} (${formatRate(rate)})`).join(', ')}.`]
}
