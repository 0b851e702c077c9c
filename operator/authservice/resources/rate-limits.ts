import type { ResolvedRateLimits } from '../api/resolved-spec.ts'
import type { Rate } from '../api/units.ts'

/** A limit for each client address, which the proxy in front of the server enforces as well as it can. */
export interface RouteLimit {
  name: 'perClient' | 'login' | 'register' | 'reset'
  /** Exact paths that it applies to; empty: every request. */
  paths: readonly string[]
  rate: Rate
  /** Number of requests beyond the rate that pass immediately. */
  burst: number
}

/** The part of spec.rateLimits that the edge enforces. */
export type EdgeLimits = Pick<ResolvedRateLimits, RouteLimit['name'] | 'burst'>

/**
 * The part of spec.rateLimits for the edge: the server enforces the exact limits, and the edge absorbs floods. The
 * burst of a route is therefore its whole count, and only the server enforces limits that the edge cannot count, such
 * as refreshes by session.
 */
export function rateLimitIntent(limits: EdgeLimits): RouteLimit[] {
  const route = (name: 'login' | 'register' | 'reset', ...paths: string[]): RouteLimit => ({
    name,
    paths,
    rate: limits[name],
    burst: limits[name].count,
  })
  return [
    { name: 'perClient', paths: [], rate: limits.perClient, burst: limits.burst },
    route('login', '/v1/auth/login'),
    route('register', '/v1/auth/register'),
    route('reset', '/v1/auth/password/forgot', '/v1/auth/password/reset'),
  ]
}

/**
 * A rate in the form of Nginx, in whole requests per second or per minute, and never stricter than the original.
 * @returns undefined if the rate is below one per minute
 * @see https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req_zone
 */
export function nginxRate({ count, perSeconds }: Rate): { count: number; unit: 's' | 'm' } | undefined {
  if (perSeconds === 1) return { count, unit: 's' }
  const perMinute = (count * 60) / perSeconds
  return perMinute >= 1 ? { count: Math.ceil(perMinute), unit: 'm' } : undefined
}
