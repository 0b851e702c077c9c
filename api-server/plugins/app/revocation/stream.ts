import type { Redis } from 'ioredis'
import Type from 'typebox'
import Value from 'typebox/value'
import type { Revocation } from './revocation.ts'

const stream = 'auth:revocations'
const mostEntries = 100_000
const blockMilliseconds = 1_000

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

/** @returns the id from which on entries are new */
export async function openStream(redis: Redis): Promise<string> {
  const newest = await redis.xrevrange(stream, '+', '-', 'COUNT', 1)
  return newest[0]?.[0] ?? '0-0'
}

/** Waits up to a second for what is new. */
export async function readStream(redis: Redis, lastId: string): Promise<{ revocations: Revocation[]; lastId: string }> {
  const answer = await redis.xread('COUNT', 1_000, 'BLOCK', blockMilliseconds, 'STREAMS', stream, lastId)
  const entries = (answer ?? []).flatMap(([, ofStream]) => ofStream)
  return {
    // An entry that this version does not understand is in the database as well.
    revocations: entries.flatMap(([, fields]) => parse(fields[1] ?? '') ?? []),
    lastId: entries.at(-1)?.[0] ?? lastId,
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
