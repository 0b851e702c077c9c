import type { Redis } from 'ioredis'
import type { Rate } from '../../../config.ts'

export interface Count {
  /** Uses in the running window, this one included. */
  used: number
  /** Until the window ends. */
  resetSeconds: number
}

/** Counts a use and reads the window's end in one step; the window starts with its first use. */
const script = `
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { used, redis.call('PTTL', KEYS[1]) }
`

/** Fixed windows in Redis, shared by all servers; while it is away, in this process. */
export class UseCounter {
  readonly #redis: Redis
  readonly #peers: { readonly count: number }
  readonly #local = new Map<string, { used: number; endsAt: number }>()

  /** @param peers how many servers share a limit, this one included */
  constructor(redis: Redis, peers: { readonly count: number }) {
    this.#redis = redis
    this.#peers = peers
  }

  /** @returns the count, and the limit that applies: a part of it when this server counts alone */
  async use(key: string, { count, perSeconds }: Rate): Promise<Count & { limit: number }> {
    try {
      // The script answers with two integers.
      const [used, left] = (await this.#redis.eval(script, 1, `auth:limit:${key}`, perSeconds * 1000)) as [
        number,
        number,
      ]
      return { used, resetSeconds: Math.max(left, 0) / 1000, limit: count }
    } catch {
      return { ...this.#useLocally(key, perSeconds), limit: Math.max(1, Math.floor(count / this.#peers.count)) }
    }
  }

  async forget(key: string): Promise<void> {
    this.#local.delete(key)
    await this.#redis.del(`auth:limit:${key}`).catch(() => 0) // the window ends by itself
  }

  #useLocally(key: string, perSeconds: number): Count {
    const now = performance.now()
    if (this.#local.size > 10_000)
      for (const [known, { endsAt }] of this.#local) if (endsAt <= now) this.#local.delete(known)
    const window = this.#local.get(key)
    const running = window !== undefined && window.endsAt > now ? window : { used: 0, endsAt: now + perSeconds * 1000 }
    running.used++
    this.#local.set(key, running)
    return { used: running.used, resetSeconds: (running.endsAt - now) / 1000 }
  }
}
