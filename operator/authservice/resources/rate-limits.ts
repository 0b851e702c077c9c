import type { ResolvedRateLimits } from '../api/resolved-spec.ts'
import type { Rate } from '../api/units.ts'

/** A limit for each client address, that whatever stands in front of the server keeps as well as it can. */
export interface RouteLimit {
  name: 'perClient' | 'login' | 'register' | 'reset'
  /** Paths that it is for, each exactly; empty for every request. */
  paths: readonly string[]
  rate: Rate
  /** Requests beyond the rate that pass at once. */
  burst: number
}

/** Of spec.rateLimits what the edge keeps. */
export type EdgeLimits = Pick<ResolvedRateLimits, RouteLimit['name'] | 'burst'>

/**
 * What spec.rateLimits asks of the edge: the server decides exactly, the edge keeps floods away. So a route's burst is
 * its whole count, and what the edge cannot count is left to the server alone: refreshes are limited by session.
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
 * A rate the way Nginx counts, in whole requests per second or per minute, never stricter than it is.
 * @returns undefined when that is less than one a minute
 * @see https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req_zone
 */
export function nginxRate({ count, perSeconds }: Rate): { count: number; unit: 's' | 'm' } | undefined {
  if (perSeconds === 1) return { count, unit: 's' }
  const perMinute = (count * 60) / perSeconds
  return perMinute >= 1 ? { count: Math.ceil(perMinute), unit: 'm' } : undefined
}
