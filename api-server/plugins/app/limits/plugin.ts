import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Rate } from '../../../config.ts'
import { problem } from '../problems/problem.ts'
import { addressKey } from './address-key.ts'
import type { Bucket } from './bucket.ts'
import type { Counters } from './counters.ts'
import { LocalCounters } from './local-counters.ts'
import { heartbeat, Peers } from './peers.ts'
import { RedisCounters } from './redis-counters.ts'
import { sharedCounters } from './shared-counters.ts'

/** One limit of a route: `rate` for each `subject` of this `name`. */
export interface Use {
  name: string
  /** Whom it counts for: a key, never an email. */
  subject: string
  rate: Rate
  burst?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    limits: {
      /** Counts a use, and says in headers what is left. @throws Problem 429 `rate_limited` when there were too many */
      use(name: string, subject: string, rate: Rate, request: FastifyRequest, reply: FastifyReply): Promise<void>
      /** The same for several limits: one use of each, or of none. */
      useAll(uses: readonly [Use, ...Use[]], request: FastifyRequest, reply: FastifyReply): Promise<void>
      /** Counts a use without an answer of its own. @returns whether there was one left */
      allows(use: Use): Promise<boolean>
      /** Failed attempts and their locks. */
      counters: Counters
    }
  }
}

/**
 * Routes that gateways call for all of their clients: the address says nothing about who is behind it. They check
 * tokens in memory and cost next to nothing.
 */
const exemptRoutes: ReadonlySet<string> = new Set(['/v1/auth/verify'])

/** Limits of use, per address, per account, per pair of both, shared by all servers. */
export default fp(
  async function limits(app) {
    const { replicas, limits: rates } = app.config
    const peers = new Peers(app.redis, replicas)
    const beating = setInterval(() => peers.announce(), heartbeat.everyMilliseconds)
    // Redis may have been ready before anybody listened.
    app.redis.on('ready', () => peers.announce())
    if (app.redis.status === 'ready') await peers.announce()
    app.addHook('preClose', async () => {
      clearInterval(beating)
      await peers.leave()
    })
    const counters = sharedCounters(new RedisCounters(app.redis), new LocalCounters(peers), (error) => {
      if (error === undefined) app.log.info('limits are counted in Redis again')
      else app.log.warn({ err: error }, `limits are counted by this server alone: 1/${peers.count} of each`)
    })

    const useAll = async (uses: readonly [Use, ...Use[]], request: FastifyRequest, reply: FastifyReply) => {
      const [first, ...others] = uses
      const taken = await counters.take([bucketOf(first), ...others.map(bucketOf)])
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

    app.decorate('limits', {
      counters,
      useAll,
      use: (name, subject, rate, request, reply) => useAll([{ name, subject, rate }], request, reply),
      allows: async (use) => (await counters.take([bucketOf(use)])).isAllowed,
    })

    app.addHook('onRoute', (route) => {
      if (!route.url.startsWith('/v1/') || exemptRoutes.has(route.url)) return
      const perClient = (request: FastifyRequest, reply: FastifyReply) =>
        useAll(
          [{ name: 'client', subject: addressKey(request.ip), rate: rates.perClient, burst: rates.burst + 1 }],
          request,
          reply,
        )
      route.schema = { ...route.schema, problems: [...(route.schema?.problems ?? []), 'rate_limited'] }
      route.onRequest = [perClient, ...(route.onRequest === undefined ? [] : [route.onRequest].flat())]
    })
  },
  { name: 'limits', dependencies: ['config', 'redis', 'metrics', 'security-events'] },
)

function bucketOf({ name, subject, rate, burst }: Use): Bucket {
  return { key: `${name}:${subject}`, rate, ...(burst !== undefined && { burst }) }
}
