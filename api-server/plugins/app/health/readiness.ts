/** MongoDB may be away for so long before the server says that it is not ready: an election takes less. */
const mongodbGraceMilliseconds = 10_000

/** Since when a dependency has not answered; infinite before its first answer. */
export interface Silence {
  silentMilliseconds: number
}

/** What the server knows about itself. */
export interface Health {
  isShuttingDown: boolean
  mongodb: Silence
  redis: Silence
  /** Ids of migrations that this version needs; undefined until they were looked at. */
  missingMigrations: readonly string[] | undefined
  /** Whether it has the revocations. */
  knowsRevocations: boolean
  hasSigner: boolean
}

/**
 * Why the server should get no requests, in words; empty when it should.
 *
 * It waits for MongoDB and Redis at its start. Later on Redis may be away: every token is still judged rightly.
 */
export function readinessProblems(health: Health): string[] {
  const { mongodb, redis, missingMigrations, knowsRevocations } = health
  return [
    ...(health.isShuttingDown ? ['the server shuts down'] : []),
    ...databaseProblems(mongodb, missingMigrations, knowsRevocations),
    ...(hasAnswered(redis) ? [] : ['waiting for Redis, which has not answered yet']),
    ...(health.hasSigner ? [] : ['no signing key is active']),
  ]
}

function databaseProblems(mongodb: Silence, missing: Health['missingMigrations'], knowsRevocations: boolean): string[] {
  if (!hasAnswered(mongodb)) return ['waiting for MongoDB, which has not answered yet']
  if (mongodb.silentMilliseconds > mongodbGraceMilliseconds) return ['MongoDB does not answer']
  if (missing === undefined) return ['the migrations were not looked at yet']
  return [
    ...missing.map((id) => `migration ${id} has not run`),
    ...(knowsRevocations ? [] : ['the revocations were not read yet']),
  ]
}

function hasAnswered({ silentMilliseconds }: Silence): boolean {
  return silentMilliseconds !== Number.POSITIVE_INFINITY
}
