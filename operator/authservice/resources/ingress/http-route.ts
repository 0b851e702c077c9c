import type { Exposure } from '../../model/exposure.ts'
import { metadataOf } from '../../model/labels.ts'
import { type RouteLimit, rateLimitIntent } from '../rate-limits.ts'
import type { Child, TemplateInput } from '../render-input.ts'
import { middlewareName, rateLimitMiddleware } from './ingress.ts'

/** Controllers of an HTTPRoute, by the form of their limits. */
type GatewayController = 'envoyGateway' | 'traefik' | 'other'

/** By the names under which controllers report on the HTTPRoute. */
function gatewayControllerOf({ gatewayControllers }: Pick<Exposure, 'gatewayControllers'>): GatewayController {
  if (gatewayControllers.includes('gateway.envoyproxy.io/gatewayclass-controller')) return 'envoyGateway'
  if (gatewayControllers.includes('traefik.io/gateway-controller')) return 'traefik'
  return 'other'
}

/** The HTTPRoute, and the limits in the form of the controller that has accepted it. */
export function renderHttpRoute(input: TemplateInput): Child[] {
  if (input.resolved.ingress.type !== 'Gateway') return []
  const limits = rateLimitIntent(input.resolved.rateLimits)
  switch (limiterOf(input.exposure)) {
    case 'envoyGateway':
      return [httpRoute(input, limits, false), trafficPolicy(input, limits)]
    case 'traefik':
      return [httpRoute(input, limits, true), ...limits.map((limit) => rateLimitMiddleware(input, limit))]
    case 'other':
      return [httpRoute(input, limits, false)]
  }
}

/** The controller, if the cluster has the kind of its limits. */
function limiterOf(exposure: Exposure): GatewayController {
  const controller = gatewayControllerOf(exposure)
  if (controller === 'envoyGateway' && exposure.availabilities.trafficPolicy !== 'available') return 'other'
  if (controller === 'traefik' && exposure.availabilities.middleware !== 'available') return 'other'
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

/** An HTTPRoute of a host for the Gateway of the spec. */
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
 * Limits by address in the form of Envoy Gateway 1.4 or later. Its bucket contains the tokens of one unit of time, so a
 * burst increases the rate: the server enforces the exact limit.
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

/** Differences between the Gateway and the spec, as sentences for people. */
export function gatewayShortcomings(exposure: Exposure): string[] {
  const certificate = 'The Gateway defines the certificate, the redirect from HTTP, and HSTS.'
  switch (limiterOf(exposure)) {
    case 'envoyGateway':
      return [`Each replica of Envoy counts separately, and bursts raise the rate. ${certificate}`]
    case 'traefik':
      return [`Each replica of Traefik counts separately. ${certificate}`]
    case 'other': {
      const names = exposure.gatewayControllers.join(', ') || 'the controller of the Gateway'
      return [
        `The operator does not know how to configure limits of ${names}, so only the server enforces rateLimits. ${certificate}`,
      ]
    }
  }
}
