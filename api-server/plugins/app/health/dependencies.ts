import type { FastifyInstance } from 'fastify'
import type { DependencyWatch } from '../../external/dependency-watch.ts'
import { connectionFailure } from './connection-failure.ts'
import type { DependencyHealth } from './readiness.ts'

export interface DependencyState extends DependencyHealth {
  isUp: boolean
}

/** What the server currently knows about its databases. */
export function dependenciesOf({
  mongo,
  redisWatch,
  config: { redis },
}: FastifyInstance): Record<'mongodb' | 'redis', DependencyState> {
  return { mongodb: stateOf(mongo.watch, mongo.address), redis: stateOf(redisWatch, `${redis.host}:${redis.port}`) }
}

function stateOf({ isUp, silentMilliseconds, failure }: DependencyWatch, address: string): DependencyState {
  const lastFailure = failure === undefined ? undefined : connectionFailure(failure, address)
  return { isUp, silentMilliseconds, lastFailure }
}
