import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Rate } from '../../../config/config.ts'
import { problem } from '../problems/problem.ts'
import { ActiveServers, heartbeat } from './active-servers.ts'
import { type Network, networksOf } from './address-key.ts'
import type { Bucket } from './bucket.ts'
import type { Counters, Taken } from './counters.ts'
import { LocalCounters } from './local-counters.ts'
import { RedisCounters } from './redis-counters.ts'
import { sharedCounters } from './shared-counters.ts'

/** One use of a limit: `rate` for each `subject` of this `name`. */
export interface Use {
  name: string
  /** The subject of the limit: a key, never an email. */
  subject: string
  rate: Rate
  /** Burst; the count of the rate by default. */
  burst?: number
}

/** The limits of one request. The headers of its response report what is left. */
export interface RequestLimits {
  /** Takes one use of each, or none. @throws Problem 429 `rate_limited` if one of them is used up */
  use(first: Use, ...others: Use[]): Promise<void>
  /** Reports uses that `limits.take` has taken. @throws Problem 429 `rate_limited` if there were none left */
  report(taken: Taken): void
}

declare module 'fastify' {
  interface FastifyInstance {
    limits: {
      /** The limits that the response to this request reports. */
      of(request: FastifyRequest, reply: FastifyReply): RequestLimits
      /** Takes one use of each, or none, without reporting it: see `RequestLimits.report`. */
      take(uses: readonly [Use, ...Use[]]): Promise<Taken>
      /** Returns uses, as if they had never been taken. */
      refund(uses: readonly Use[]): Promise<void>
      /** Counts a request for `RATE_LIMIT_PER_CLIENT`. @throws Problem 429 `rate_limited` */
      perClient(request: FastifyRequest, reply: FastifyReply): Promise<void>
      /** Takes one use without reporting it. @returns whether one was left */
      allows(use: Use): Promise<boolean>
      /** Number of servers that share the limits, including this one. */
      readonly servers: number
      /** Failed attempts and their locks. */
      counters: Counters
    }
  }
}

/**
 * Routes that gateways call for all their clients, so that the address says nothing about the client. They check tokens
 * in memory and are cheap.
 */
const exemptRoutes: ReadonlySet<string> = new Set(['/v1/auth/verify', '/v1/auth/verify/*'])

/** Rate limits for addresses, accounts and pairs of both, shared by all servers. */
export default fp(
  async function limits(app) {
    const { replicas, limits: rates } = app.config
    const activeServers = new ActiveServers(app.redis, replicas)
    const heartbeatTimer = setInterval(() => activeServers.sendHeartbeat(), heartbeat.everyMilliseconds)
    // Redis may have been ready before this listener was registered.
    app.redis.on('ready', () => activeServers.sendHeartbeat())
    if (app.redis.status === 'ready') await activeServers.sendHeartbeat()
    app.addHook('preClose', async () => {
      clearInterval(heartbeatTimer)
      await activeServers.deregister()
    })
    const counters = sharedCounters(new RedisCounters(app.redis), new LocalCounters(activeServers), (error) => {
      if (error === undefined) app.log.info('counting limits in Redis again')
      else app.log.warn({ err: error }, `this server counts limits on its own: 1/${activeServers.count} of each`)
    })

    const take = ([first, ...others]: readonly [Use, ...Use[]]) =>
      counters.take([bucketOf(first), ...others.map(bucketOf)])

    const report = (taken: Taken, request: FastifyRequest, reply: FastifyReply) => {
      reply.header('ratelimit-limit', taken.limit)
      reply.header('ratelimit-remaining', taken.remaining)
      reply.header('ratelimit-reset', Math.ceil(taken.resetAfter / 1000))
      if (taken.isAllowed) return
      const { rate, key } = taken.bucket
      app.metrics.rateLimited.inc({ route: request.routeOptions.url ?? 'unknown' })
      const reason = key.split(':', 1)[0] ?? ''
      app.securityEvents.record('excess_rate_limit_exceeded', { address: request.ip, reason })
      throw problem(429, 'rate_limited', `Too many requests: at most ${rate.count} in ${rate.perSeconds} s.`, {
        retryAfterSeconds: taken.retryAfter / 1000,
      })
    }

    const perClient = async (request: FastifyRequest, reply: FastifyReply) =>
      report(await take(usesByAddress('client', request.ip, rates.perClient, rates.burst + 1)), request, reply)

    app.decorate('limits', {
      perClient,
      of: (request, reply) => ({
        use: async (...uses) => report(await take(uses), request, reply),
        report: (taken) => report(taken, request, reply),
      }),
      take,
      refund: (uses) => counters.refund(uses.map(bucketOf)),
      allows: async (use) => (await counters.take([bucketOf(use)])).isAllowed,
      get servers() {
        return activeServers.count
      },
      counters,
    })

    app.addHook('onRoute', (route) => {
      if (!route.url.startsWith('/v1/') || exemptRoutes.has(route.url)) return
      route.schema = { ...route.schema, problems: [...(route.schema?.problems ?? []), 'rate_limited'] }
      route.onRequest = [perClient, ...(route.onRequest === undefined ? [] : [route.onRequest].flat())]
    })
  },
  { name: 'limits', dependencies: ['config', 'redis', 'metrics', 'security-events'] },
)

/** A use of the address (its /64 for IPv6), and of each network that contains it, with higher limits. */
export function usesByAddress(name: string, address: string, rate: Rate, burst?: number): [Use, ...Use[]] {
  const [first, ...wider] = networksOf(address)
  const useOf = ({ key, weight }: Network): Use => ({
    name,
    subject: key,
    rate: { ...rate, count: rate.count * weight },
    ...(burst !== undefined && { burst: burst * weight }),
  })
  return [useOf(first), ...wider.map(useOf)]
}

function bucketOf({ name, subject, rate, burst }: Use): Bucket {
  return { key: `${name}:${subject}`, rate, ...(burst !== undefined && { burst }) }
}
