import { deadlineFrom, type RolloutContext, type StepResult } from './context.ts'
import { isOutage, isTestExcused, mostRetests } from './outage.ts'

/**
 * Interval in seconds at which the operator checks whether a database has recovered, because it has to query the
 * servers.
 */
const recoveryPollSeconds = 5

/** Starts the smoke test, waits for it, or delays it during an outage. */
export function testStep(
  context: RolloutContext,
): Pick<StepResult, 'message' | 'smokeTestOf' | 'record' | 'requeueAfterSeconds'> {
  const { observed, revision, record } = context
  const test = observed.smokeTest?.revision === revision ? observed.smokeTest : undefined
  const hasOutage = isOutage(observed, revision)
  const { count, hadOutage } = record.retest ?? { count: 0, hadOutage: false }
  if (test?.state === 'failed' && isTestExcused(observed, record)) {
    return {
      message: `the smoke test failed during an outage, and is repeated after it: ${test.message}`,
      record: { retest: { count: count + 1, hadOutage: true } },
      requeueAfterSeconds: recoveryPollSeconds,
    }
  }
  if (test !== undefined) {
    const seen = hasOutage || hadOutage
    const retest = count > 0 || seen ? { count, hadOutage: seen } : undefined
    return { message: test.message, smokeTestOf: revision, record: { retest } }
  }
  const repetition = count === 0 ? '' : ` again (repetition ${count} of at most ${mostRetests})`
  if (hasOutage) {
    const message = `the smoke test starts${repetition} once the outage is over`
    return { message, record: { retest: { count, hadOutage: true } }, requeueAfterSeconds: recoveryPollSeconds }
  }
  return {
    message: `the smoke test starts${repetition}`,
    smokeTestOf: revision,
    record: {
      retest: count === 0 ? undefined : { count, hadOutage: false },
      // The time of the outage does not count against the revision.
      ...(hadOutage && { deadline: deadlineFrom(context) }),
    },
  }
}
