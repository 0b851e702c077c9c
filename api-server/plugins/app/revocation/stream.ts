import type { Redis } from 'ioredis'
import Type from 'typebox'
import Value from 'typebox/value'
import type { Revocation } from './revocation.ts'

const stream = 'auth:revocations'
const maxEntries = 100_000
/** A response reflects the time of its request, so requests are frequent. */
const blockMilliseconds = 500
/** Maximum number of entries in one read. */
const maxNews = 1_000

const Entry = Type.Object({
  _id: Type.String(),
  kind: Type.Enum(['session', 'user']),
  subject: Type.String(),
  watermark: Type.Number(),
  changedAt: Type.String(),
  tokensUntil: Type.String(),
  expiresAt: Type.String(),
})

/** Publishes a revocation to every server. @throws when Redis is unavailable */
export async function publish(redis: Redis, revocation: Revocation): Promise<void> {
  await redis.xadd(stream, 'MAXLEN', '~', maxEntries, '*', 'revocation', JSON.stringify(revocation))
}

/** Before the first entry. */
const beginning = '0-0'

/**
 * Where to continue: after the last read entry, if the stream still has it. If Redis has lost it, or is read for the
 * first time, entries may be missing: that is a gap.
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

export interface StreamBatch {
  revocations: Revocation[]
  /** Where to continue. */
  lastId: string
  /** Whether this was all; otherwise there is more, as after an outage. */
  isCaughtUp: boolean
}

/** Waits up to half a second for new entries. */
export async function readStream(redis: Redis, lastId: string): Promise<StreamBatch> {
  const answer = await redis.xread('COUNT', maxNews, 'BLOCK', blockMilliseconds, 'STREAMS', stream, lastId)
  const entries = (answer ?? []).flatMap(([, ofStream]) => ofStream)
  return {
    // The database also has an entry that this version does not understand.
    revocations: entries.flatMap(([, fields]) => parse(fields[1] ?? '') ?? []),
    lastId: entries.at(-1)?.[0] ?? lastId,
    isCaughtUp: entries.length < maxNews,
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
