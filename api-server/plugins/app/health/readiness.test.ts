import { expect, test } from 'vitest'
import { type Health, readinessProblems } from './readiness.ts'

const well: Health = {
  isShuttingDown: false,
  mongodb: { silentMilliseconds: 200 },
  redis: { silentMilliseconds: 200 },
  missingMigrations: [],
  knowsRevocations: true,
  hasSigner: true,
}
const never = { silentMilliseconds: Number.POSITIVE_INFINITY }

test.each<[string, Partial<Health>, string[]]>([
  ['all is well', {}, []],
  ['an election lasts', { mongodb: { silentMilliseconds: 10_000 } }, []],
  ['MongoDB is away for more than 10 s', { mongodb: { silentMilliseconds: 10_001 } }, ['MongoDB does not answer']],
  ['Redis is away', { redis: { silentMilliseconds: 3_600_000 } }, []],
  ['Redis has never answered', { redis: never }, ['waiting for Redis, which has not answered yet']],
  [
    'neither has ever answered',
    { mongodb: never, redis: never, missingMigrations: undefined, knowsRevocations: false },
    ['waiting for MongoDB, which has not answered yet', 'waiting for Redis, which has not answered yet'],
  ],
  ['the migrations are not known', { missingMigrations: undefined }, ['the migrations were not looked at yet']],
  ['a migration is missing', { missingMigrations: ['009-x'] }, ['migration 009-x has not run']],
  ['the revocations are not known', { knowsRevocations: false }, ['the revocations were not read yet']],
  ['no key signs', { hasSigner: false }, ['no signing key is active']],
  ['it shuts down', { isShuttingDown: true }, ['the server shuts down']],
])('when %s', (_when, change, problems) => {
  expect(readinessProblems({ ...well, ...change })).toEqual(problems)
})
