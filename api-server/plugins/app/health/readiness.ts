import { type DatabaseSchema, schemaProblems } from './schema-watch.ts'

/** What a watch knows about a dependency. */
export interface DependencyHealth {
  /** Time since its last answer; infinite before its first answer. */
  silentMilliseconds: number
  /** Error of the last attempt to reach it, with host, port and error code. */
  lastFailure: string | undefined
}

/** What the server knows about its own state. */
export interface Health {
  isShuttingDown: boolean
  mongodb: DependencyHealth
  redis: DependencyHealth
  /** What the database lacks; undefined until it was checked. */
  schema: DatabaseSchema | undefined
  /** Whether it has loaded the revocations. */
  knowsRevocations: boolean
  hasSigner: boolean
}

/**
 * Why this process cannot serve requests; empty if it can.
 *
 * At startup, it waits for MongoDB and Redis. After that, the state of what all servers share is no reason: if every
 * server left the Service, clients could no longer verify tokens. Metrics and the answers of routes report that state.
 * A database that lacks migrations is a reason, because it would accept invalid data.
 */
export function readinessProblems(health: Health): string[] {
  const { mongodb, redis } = health
  return [
    ...(health.isShuttingDown ? ['the server is shutting down'] : []),
    ...databaseProblems(mongodb, health),
    ...(hasAnswered(redis) ? [] : [waitingFor('Redis', redis)]),
    ...(health.hasSigner ? [] : ['no signing key is active']),
  ]
}

function databaseProblems(mongodb: DependencyHealth, { schema, knowsRevocations }: Health): string[] {
  if (!hasAnswered(mongodb)) return [waitingFor('MongoDB', mongodb)]
  if (schema === undefined) return ['migrations have not been checked yet']
  return [...schemaProblems(schema), ...(knowsRevocations ? [] : ['revocations have not been read yet'])]
}

function hasAnswered({ silentMilliseconds }: DependencyHealth): boolean {
  return silentMilliseconds !== Number.POSITIVE_INFINITY
}

function waitingFor(name: string, { lastFailure }: DependencyHealth): string {
  return `waiting for ${name}, which has not answered yet${lastFailure === undefined ? '' : `: ${lastFailure}`}`
}
