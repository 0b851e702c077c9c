import type { FastifyBaseLogger } from 'fastify'
import type { Redis } from 'ioredis'
import type { Collection } from 'mongodb'
import type { Revocation, RevocationSet } from './revocation-set.ts'

const stream = 'auth:revocations'
const mostEntries = 100_000
const blockMilliseconds = 1_000

/** Tells every server about a revocation. @throws when Redis is away */
export async function publish(redis: Redis, revocation: Revocation): Promise<void> {
  await redis.xadd(stream, 'MAXLEN', '~', mostEntries, '*', 'revocation', JSON.stringify(revocation))
}

/**
 * Keeps the set complete: everything from MongoDB first, then each entry of the stream. While Redis is away MongoDB is
 * asked again every second; when it is back the set is read whole once more, for what the gap may have hidden.
 */
export class RevocationFeed {
  readonly #set: RevocationSet
  readonly #revocations: Collection<Revocation>
  readonly #redis: Redis
  readonly #log: FastifyBaseLogger
  #completeAt = Number.NEGATIVE_INFINITY
  #stopped = false
  #loop: Promise<void> = Promise.resolve()

  constructor(set: RevocationSet, revocations: Collection<Revocation>, redis: Redis, log: FastifyBaseLogger) {
    this.#set = set
    this.#revocations = revocations
    // A connection of its own, because it waits in XREAD.
    this.#redis = redis.duplicate({
      commandTimeout: blockMilliseconds + 2_000,
      connectionName: 'authservice-revocations',
    })
    this.#redis.on('error', () => {}) // the loop sees it as a failed command
    this.#log = log
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#redis.disconnect()
    await this.#loop
  }

  /** How long ago the set was complete. */
  stalenessSeconds(): number {
    return (performance.now() - this.#completeAt) / 1000
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow()
      } catch (error) {
        if (this.#stopped) return
        this.#log.debug({ err: error }, 'revocations: the stream ended')
        await this.#readAll().catch((reason) => this.#log.warn({ err: reason }, 'revocations cannot be read'))
        await new Promise((resolve) => setTimeout(resolve, blockMilliseconds))
      }
    }
  }

  async #follow(): Promise<void> {
    const newest = await this.#redis.xrevrange(stream, '+', '-', 'COUNT', 1)
    let lastId = newest[0]?.[0] ?? '0-0'
    await this.#readAll()
    while (!this.#stopped) {
      const answer = await this.#redis.xread('COUNT', 1_000, 'BLOCK', blockMilliseconds, 'STREAMS', stream, lastId)
      for (const [, entries] of answer ?? []) {
        for (const [id, fields] of entries) {
          this.#set.add(parse(fields[1] ?? ''))
          lastId = id
        }
      }
      this.#completeAt = performance.now()
    }
  }

  async #readAll(): Promise<void> {
    const started = performance.now()
    for await (const revocation of this.#revocations.find({ expiresAt: { $gt: new Date() } })) this.#set.add(revocation)
    this.#completeAt = started
    this.#set.forgetExpired(new Date())
  }
}

function parse(text: string): Revocation {
  const { _id, kind, subject, notBefore, expiresAt } = JSON.parse(text)
  return { _id, kind, subject, notBefore: new Date(notBefore), expiresAt: new Date(expiresAt) }
}
