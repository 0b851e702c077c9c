import type { ConditionUpdate } from '../model/condition.ts'
import { isInProgress } from '../rollout/decide/phases.ts'
import { type ComponentInput, componentHealth, isWritten, liveDeployment } from './component-input.ts'

/** `RolloutProgressing`: whether a revision is rolling out, or why it is not. */
export function rolloutCondition(input: ComponentInput): ConditionUpdate {
  const { rollout, written } = input
  const type = 'RolloutProgressing'
  const name = liveDeployment(input)
  if (isWritten(written, 'Deployment', name)) {
    return {
      type,
      status: 'True',
      reason: 'RolloutInProgress',
      message: `waiting for the controller of ${name} to observe it`,
    }
  }
  const { failure, complete, message, record } = rollout
  if (failure !== undefined) return { type, status: 'False', reason: 'RolloutFailed', message: failure }
  // The rollout is complete even while the old colour is on standby.
  if (complete && !isInProgress(record.phase)) return { type, status: 'False', reason: 'RolloutComplete', message }
  // The first revision waits for the same as WorkloadAvailable, so both conditions have the same message.
  if (record.currentRevision === undefined) {
    const { message: because } = componentHealth(input, { kind: 'Deployment', name, component: 'server' })
    return { type, status: 'True', reason: 'RolloutInProgress', message: because }
  }
  return { type, status: 'True', reason: 'RolloutInProgress', message }
}
