import type { Redis } from 'ioredis'
import Type from 'typebox'
import Value from 'typebox/value'
import type { Revocation } from './revocation.ts'

const stream = 'auth:revocations'
const mostEntries = 100_000
/** An answer says what was known when it was asked for: so it is asked for often. */
const blockMilliseconds = 500
/** Read at once. */
const mostNews = 1_000

const Entry = Type.Object({
  _id: Type.String(),
  kind: Type.Enum(['session', 'user']),
  subject: Type.String(),
  watermark: Type.Number(),
  changedAt: Type.String(),
  tokensUntil: Type.String(),
  expiresAt: Type.String(),
})

/** Tells every server about a revocation. @throws when Redis is away */
export async function publish(redis: Redis, revocation: Revocation): Promise<void> {
  await redis.xadd(stream, 'MAXLEN', '~', mostEntries, '*', 'revocation', JSON.stringify(revocation))
}

/** Before the first entry. */
const beginning = '0-0'

/**
 * Where to read on: after the entry that was read last, as long as the stream still has it. A Redis that has lost it, or
 * is asked for the first time, may have told more than can be read any more: that is a gap.
 */
export async function openStream(redis: Redis, lastId?: string): Promise<{ lastId: string; hasGap: boolean }> {
  if (lastId !== undefined && lastId !== beginning) {
    const known = await redis.xrange(stream, lastId, lastId)
    if (known.length === 1) return { lastId, hasGap: false }
  }
  const [newest] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1)
  if (lastId === beginning && newest === undefined) return { lastId, hasGap: false }
  return { lastId: newest?.[0] ?? beginning, hasGap: true }
}

export interface News {
  revocations: Revocation[]
  /** Where to read on. */
  lastId: string
  /** That was all; otherwise more is waiting, as after an absence. */
  isCaughtUp: boolean
}

/** Waits up to half a second for what is new. */
export async function readStream(redis: Redis, lastId: string): Promise<News> {
  const answer = await redis.xread('COUNT', mostNews, 'BLOCK', blockMilliseconds, 'STREAMS', stream, lastId)
  const entries = (answer ?? []).flatMap(([, ofStream]) => ofStream)
  return {
    // An entry that this version does not understand is in the database as well.
    revocations: entries.flatMap(([, fields]) => parse(fields[1] ?? '') ?? []),
    lastId: entries.at(-1)?.[0] ?? lastId,
    isCaughtUp: entries.length < mostNews,
  }
}

function parse(text: string): Revocation | undefined {
  const entry: unknown = JSON.parse(text)
  if (!Value.Check(Entry, entry)) return undefined
  const { changedAt, tokensUntil, expiresAt, ...same } = entry
  return {
    ...same,
    changedAt: new Date(changedAt),
    tokensUntil: new Date(tokensUntil),
    expiresAt: new Date(expiresAt),
  }
}
