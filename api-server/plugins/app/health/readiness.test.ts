import { expect, test } from 'vitest'
import { type Health, readinessProblems } from './readiness.ts'

const well: Health = {
  isShuttingDown: false,
  mongodb: { silentMilliseconds: 200, lastFailure: undefined },
  redis: { silentMilliseconds: 200, lastFailure: undefined },
  schema: { missingMigrations: [], isStandalone: false },
  knowsRevocations: true,
  hasSigner: true,
}
const never = { silentMilliseconds: Number.POSITIVE_INFINITY, lastFailure: undefined }
const gone = { silentMilliseconds: 3_600_000, lastFailure: 'connect ECONNREFUSED 10.0.0.7:27017' }

test.each<[string, Partial<Health>, string[]]>([
  ['all is well', {}, []],
  ['MongoDB is unavailable for an hour', { mongodb: gone }, []],
  ['Redis is unavailable for an hour', { redis: gone }, []],
  ['both are', { mongodb: gone, redis: gone }, []],
  ['Redis has never answered', { redis: never }, ['waiting for Redis, which has not answered yet']],
  [
    'neither has ever answered',
    { mongodb: never, redis: never, schema: undefined, knowsRevocations: false },
    ['waiting for MongoDB, which has not answered yet', 'waiting for Redis, which has not answered yet'],
  ],
  [
    'Redis has never answered, and why is known',
    { redis: { ...never, lastFailure: 'getaddrinfo ENOTFOUND redis.example (redis.example:6379)' } },
    ['waiting for Redis, which has not answered yet: getaddrinfo ENOTFOUND redis.example (redis.example:6379)'],
  ],
  ['the migrations are not known', { schema: undefined }, ['migrations have not been checked yet']],
  [
    'a migration is missing, or gone with a volume',
    { schema: { missingMigrations: ['009-x'], isStandalone: false } },
    ['migration 009-x has not run'],
  ],
  [
    'MongoDB is a standalone mongod',
    { schema: { missingMigrations: [], isStandalone: true } },
    [
      'MongoDB is a standalone mongod, which does not support transactions: start it with --replSet and run rs.initiate(). One member is enough',
    ],
  ],
  ['the revocations are not known', { knowsRevocations: false }, ['revocations have not been read yet']],
  ['no key signs', { hasSigner: false }, ['no signing key is active']],
  ['it shuts down', { isShuttingDown: true }, ['the server is shutting down']],
])('when %s', (_when, change, problems) => {
  expect(readinessProblems({ ...well, ...change })).toEqual(problems)
})
