import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'

const key = 'auth:servers'

/** How often a server says that it is there, and after how long of silence the others leave it out. */
export const heartbeat = { everyMilliseconds: 5_000, forgottenAfterMilliseconds: 20_000 } as const

/** Redis' own clock, for those of the servers may differ. */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`

/**
 * How many servers share the limits. Redis counts them while it is there; the last count stands while it is away, when
 * each server counts alone and keeps to its part.
 */
export class Peers {
  readonly #redis: Redis
  readonly #id = randomUUID()
  #count: number

  /** @param count what is assumed until Redis has answered */
  constructor(redis: Redis, count: number) {
    this.#redis = redis
    this.#count = count
  }

  get count(): number {
    return this.#count
  }

  /** Says that this server is there, and learns of the others. Never fails: without Redis the count stands. */
  async announce(): Promise<void> {
    try {
      // The script answers with an integer.
      const count = (await this.#redis.eval(script, 1, key, this.#id, heartbeat.forgottenAfterMilliseconds)) as number
      this.#count = Math.max(1, count)
    } catch {
      // Redis is away: the plugin that connects to it says so, once.
    }
  }

  async leave(): Promise<void> {
    await this.#redis.zrem(key, this.#id).catch(() => 0)
  }
}
