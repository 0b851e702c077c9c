import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Rate } from '../../../config.ts'
import { problem } from '../problems/problem.ts'
import { UseCounter } from './counter.ts'
import { heartbeat, Peers } from './peers.ts'

declare module 'fastify' {
  interface FastifyInstance {
    limits: {
      /** Counts a use. @throws Problem 429 `rate_limited` when there were too many */
      use(name: string, subject: string, rate: Rate, request: FastifyRequest, reply: FastifyReply): Promise<void>
      /** Counts a failed log-in of this pair. @throws Problem 429 `locked` from the sixth on, longer each time */
      requireUnlocked(address: string, account: string): Promise<void>
      recordFailure(address: string, account: string): Promise<void>
      forgetFailures(address: string, account: string): Promise<void>
    }
  }
}

const failuresBeforeLock = 5
const failureWindow: Rate = { count: failuresBeforeLock, perSeconds: 900 }

/** Limits of use, per address, account and pair of both. */
export default fp(
  async function limits(app) {
    const peers = new Peers(app.redis, app.config.replicas)
    const counter = new UseCounter(app.redis, peers)
    const beating = setInterval(() => peers.announce(), heartbeat.everyMilliseconds)
    app.redis.on('ready', () => peers.announce())
    app.addHook('preClose', async () => {
      clearInterval(beating)
      await peers.leave()
    })
    const lockedUntil = new Map<string, number>()
    app.decorate('limits', {
      async use(name, subject, rate, request, reply) {
        const { used, resetSeconds, limit } = await counter.use(`${name}:${subject}`, rate)
        reply.header('ratelimit-limit', limit)
        reply.header('ratelimit-remaining', Math.max(0, limit - used))
        reply.header('ratelimit-reset', Math.ceil(resetSeconds))
        if (used <= limit) return
        app.metrics.rateLimited.inc({ route: request.routeOptions.url ?? 'unknown' })
        app.securityEvents.record('excess_rate_limit_exceeded', { address: request.ip, reason: name })
        throw problem(429, 'rate_limited', `Too many requests: at most ${limit} in ${rate.perSeconds} s.`, {
          retryAfterSeconds: resetSeconds,
        })
      },
      async requireUnlocked(address, account) {
        const until = lockedUntil.get(pair(address, account)) ?? 0
        const seconds = (until - performance.now()) / 1000
        if (seconds <= 0) return
        throw problem(429, 'locked', 'Too many failed log-ins from here. Wait before the next one.', {
          retryAfterSeconds: seconds,
        })
      },
      async recordFailure(address, account) {
        const key = pair(address, account)
        const { used } = await counter.use(`failures:${key}`, failureWindow)
        if (used < failuresBeforeLock) return
        const seconds = Math.min(2 ** (used - failuresBeforeLock), 900)
        lockedUntil.set(key, performance.now() + seconds * 1000)
        app.securityEvents.record('authn_login_lock', { email: account, address })
      },
      async forgetFailures(address, account) {
        const key = pair(address, account)
        lockedUntil.delete(key)
        await counter.forget(`failures:${key}`)
      },
    })
  },
  { name: 'limits', dependencies: ['config', 'redis', 'metrics', 'security-events'] },
)

function pair(address: string, account: string): string {
  return `${address}:${account.toLowerCase()}`
}
