import type { Front } from '../front.ts'
import { middlewareName, rateLimitMiddleware } from './ingress.ts'
import { metadataOf } from './metadata.ts'
import { type RouteLimit, rateLimitIntent } from './rate-limits.ts'
import type { Child, TemplateInput } from './render-input.ts'

/** What takes an HTTPRoute, as far as limits differ. */
export type GatewayController = 'envoyGateway' | 'traefik' | 'other'

/** By the names under which controllers have answered to the HTTPRoute. */
export function gatewayControllerOf({ gatewayControllers }: Pick<Front, 'gatewayControllers'>): GatewayController {
  if (gatewayControllers.includes('gateway.envoyproxy.io/gatewayclass-controller')) return 'envoyGateway'
  if (gatewayControllers.includes('traefik.io/gateway-controller')) return 'traefik'
  return 'other'
}

/** The HTTPRoute, and the limits in the form of the controller that has taken it. */
export function renderHttpRoute(input: TemplateInput): Child[] {
  if (input.resolved.ingress.type !== 'Gateway') return []
  const limits = rateLimitIntent(input.resolved.rateLimits)
  switch (limiterOf(input.front)) {
    case 'envoyGateway':
      return [httpRoute(input, limits, false), trafficPolicy(input, limits)]
    case 'traefik':
      return [httpRoute(input, limits, true), ...limits.map((limit) => rateLimitMiddleware(input, limit))]
    case 'other':
      return [httpRoute(input, limits, false)]
  }
}

/** The controller, as far as the cluster has the kind that it takes limits in. */
function limiterOf(front: Front): GatewayController {
  const controller = gatewayControllerOf(front)
  if (controller === 'envoyGateway' && front.availabilities.trafficPolicy !== 'available') return 'other'
  if (controller === 'traefik' && front.availabilities.middleware !== 'available') return 'other'
  return controller
}

function httpRoute(input: TemplateInput, limits: readonly RouteLimit[], byMiddleware: boolean): Child {
  const { owner, resolved } = input
  const backendRefs = [{ name: owner.name, port: 80 }]
  const filtersOf = ({ name }: RouteLimit) => ({
    filters: [
      {
        type: 'ExtensionRef',
        extensionRef: { group: 'traefik.io', kind: 'Middleware', name: middlewareName(owner.name, name) },
      },
    ],
  })
  const [ofAll] = limits.filter(({ paths }) => paths.length === 0)
  const ofPaths = byMiddleware ? limits.filter(({ paths }) => paths.length > 0) : []
  return routeOf(input, { name: owner.name, host: resolved.ingress.host }, [
    ...ofPaths.map((limit) => ({
      matches: limit.paths.map((value) => ({ path: { type: 'Exact', value } })),
      ...filtersOf(limit),
      backendRefs,
    })),
    {
      matches: everyRoutePath,
      ...(byMiddleware && ofAll !== undefined && filtersOf(ofAll)),
      backendRefs,
    },
  ])
}

export const everyRoutePath = [{ path: { type: 'PathPrefix', value: '/' } }]

/** An HTTPRoute of a host at the Gateway of the spec. */
export function routeOf(input: TemplateInput, { name, host }: { name: string; host: string }, rules: object[]): Child {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: metadataOf(input, name, 'edge'),
    spec: { parentRefs: input.resolved.ingress.parentRefs, hostnames: [host], rules },
  }
}

const envoyUnits: Readonly<Record<number, string>> = { 1: 'Second', 60: 'Minute', 3600: 'Hour' }

/**
 * Limits by address in the form of Envoy Gateway, 1.4 or later. Its bucket holds what it is filled with in one unit of
 * time, so a burst widens the rate: the server decides exactly.
 * @see https://gateway.envoyproxy.io/docs/tasks/traffic/local-rate-limit/
 */
function trafficPolicy(input: TemplateInput, limits: readonly RouteLimit[]): Child {
  const rules = limits.flatMap(({ paths, rate, burst }) =>
    (paths.length === 0 ? [undefined] : paths).flatMap((path) =>
      ['0.0.0.0/0', '::/0'].map((value) => ({
        clientSelectors: [
          {
            ...(path !== undefined && { path: { type: 'Exact', value: path } }),
            sourceCIDR: { type: 'Distinct', value },
          },
        ],
        limit: { requests: rate.count + burst, unit: envoyUnits[rate.perSeconds] },
      })),
    ),
  )
  return {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'BackendTrafficPolicy',
    metadata: metadataOf(input, input.owner.name, 'edge'),
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: input.owner.name }],
      rateLimit: { type: 'Local', local: { rules } },
    },
  }
}

/** What the Gateway does not do as the spec says; sentences for a person. */
export function gatewayShortcomings(front: Front): string[] {
  const certificate = 'The certificate, the redirect of HTTP and HSTS are those of the Gateway.'
  switch (limiterOf(front)) {
    case 'envoyGateway':
      return [`Each replica of Envoy counts by itself, and bursts widen the rate. ${certificate}`]
    case 'traefik':
      return [`Each replica of Traefik counts by itself. ${certificate}`]
    case 'other': {
      const names = front.gatewayControllers.join(', ') || 'the controller of the Gateway'
      return [
        `The operator does not know how ${names} takes limits, so the server alone keeps rateLimits. ${certificate}`,
      ]
    }
  }
}
