import type { Reason } from './reasons.ts'
/** Every condition of an AuthService, in the order of status. The first reconcile sets all of them. */
export const conditionTypes = [
  'Ready',
  'Reconciling',
  'Stalled',
  'SecretsReady',
  'RedisReady',
  'MongoDBReady',
  'WorkloadAvailable',
  'IngressReady',
  'RolloutProgressing',
  'ProductionReady',
] as const
export type ConditionType = (typeof conditionTypes)[number]

/** Content of one condition. */
export interface ConditionUpdate {
  type: ConditionType
  status: 'True' | 'False' | 'Unknown'
  reason: Reason
  /** Complete sentences for people: the state, and what to do if the user must act. */
  message: string
}
