import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'

const key = 'auth:servers'

/** How often a server reports that it is active, and the silence after which others ignore it. */
export const heartbeat = { everyMilliseconds: 5_000, forgottenAfterMilliseconds: 20_000 } as const

/** The clock of Redis, because those of the servers may differ. */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`

/**
 * How many servers share the limits. Redis counts them. While Redis is unavailable, each server enforces its share of
 * the last count.
 */
export class ActiveServers {
  readonly #redis: Redis
  readonly #id = randomUUID()
  #count: number

  /** @param count assumed until Redis has answered */
  constructor(redis: Redis, count: number) {
    this.#redis = redis
    this.#count = count
  }

  get count(): number {
    return this.#count
  }

  /** Reports that this server is active, and counts the others. Never fails: without Redis, the count stays. */
  async sendHeartbeat(): Promise<void> {
    try {
      // The script answers with an integer.
      const count = (await this.#redis.eval(script, 1, key, this.#id, heartbeat.forgottenAfterMilliseconds)) as number
      this.#count = Math.max(1, count)
    } catch {
      // Redis is unavailable. The plugin that connects to it logs this once.
    }
  }

  async deregister(): Promise<void> {
    await this.#redis.zrem(key, this.#id).catch(() => 0)
  }
}
