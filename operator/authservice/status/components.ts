import type { ConditionType, ConditionUpdate } from '../model/condition.ts'
import { type ComponentInput, componentHealth, conditionOf } from './component-input.ts'
import { mongodbCondition, redisCondition } from './database-conditions.ts'
import { exposureHealth } from './exposure-health.ts'
import { rolloutCondition } from './rollout-condition.ts'
import { serverCondition } from './server-condition.ts'

/** One condition for each component, and one for the rollout. */
export function componentConditions(input: ComponentInput): ConditionUpdate[] {
  return [
    blockedCondition('SecretsReady', input) ?? secretsCondition(input),
    blockedCondition('RedisReady', input) ?? redisCondition(input),
    blockedCondition('MongoDBReady', input) ?? mongodbCondition(input),
    blockedCondition('WorkloadAvailable', input) ?? serverCondition(input),
    blockedCondition('IngressReady', input) ?? exposureCondition(input),
    rolloutCondition(input),
  ]
}

/** A blocked component is not ready, whatever its pods report. */
function blockedCondition(type: ConditionType, { findings }: ComponentInput): ConditionUpdate | undefined {
  const blocking = findings.find(({ kind, condition }) => kind === 'blocking' && condition === type)
  return blocking && { type, status: 'False', reason: blocking.reason, message: blocking.message }
}

function secretsCondition({ missingSecrets }: ComponentInput): ConditionUpdate {
  const type = 'SecretsReady'
  if (missingSecrets.length === 0) {
    return { type, status: 'True', reason: 'Available', message: 'All keys and passwords exist.' }
  }
  return { type, status: 'False', reason: 'Waiting', message: `waiting for Secret ${missingSecrets.join(', ')}` }
}

function exposureCondition(input: ComponentInput): ConditionUpdate {
  const { authService, resolved } = input.snapshot
  if (resolved.ingress.type === 'None') {
    return { type: 'IngressReady', status: 'True', reason: 'Disabled', message: 'spec.ingress.type is None.' }
  }
  const name = `${authService.metadata.name}-edge`
  const edge = componentHealth(input, { kind: 'Deployment', name, component: 'edge' })
  return conditionOf('IngressReady', exposureHealth(input.snapshot, edge))
}
