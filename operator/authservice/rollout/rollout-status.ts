import type { AuthServiceStatus } from '../api/schema.ts'
import { timestamp } from '../model/timestamp.ts'
import type { RolloutDecision } from './decide/decision.ts'
import { rolloutOutcomes, rolloutPhases } from './decide/phases.ts'
import { emptyRecord, type RolloutRecord } from './decide/record.ts'

/**
 * Parses the record of an earlier reconcile. If the status was cleared or is malformed, the result is an empty record,
 * not an error.
 */
export function parseRolloutStatus(status: AuthServiceStatus | undefined): RolloutRecord {
  const rollout = status?.rollout
  if (status === undefined || rollout === undefined) return emptyRecord
  const { rolledBack } = rollout
  return {
    activeColor: status.activeColor,
    currentRevision: status.currentRevision,
    phase: rolloutPhases.find((phase) => phase === rollout.phase) ?? 'Stable',
    revision: rollout.revision,
    targetColor: rollout.targetColor,
    startedAt: dateOf(rollout.startedAt),
    phaseStartedAt: dateOf(rollout.phaseStartedAt),
    deadline: dateOf(rollout.deadline),
    waitingSince: dateOf(rollout.waitingSince),
    lastOutcome: rolloutOutcomes.find((outcome) => outcome === rollout.lastOutcome),
    failedRevision: rollout.failedRevision,
    failure: rollout.failure,
    smokeTest: rollout.smokeTest && { passed: rollout.smokeTest.passed, message: rollout.smokeTest.message ?? '' },
    retest: rollout.retest,
    analysis: readAnalysis(rollout.analysis),
    pin: rolledBack && { revision: rolledBack.to, insteadOf: rolledBack.insteadOf },
  }
}

/** Distinguishes the attempts at one revision: the time at which the attempt began, in whole seconds as in status. */
export function attemptOf({ startedAt }: Pick<RolloutRecord, 'startedAt'>): number {
  return Math.trunc((startedAt?.getTime() ?? 0) / 1000)
}

/** The record and the message of a decision as `status.rollout`. */
export function rolloutStatusOf({
  record,
  message,
  until,
  revision,
}: Pick<RolloutDecision, 'record' | 'message' | 'until' | 'revision'>) {
  const {
    targetColor,
    startedAt,
    phaseStartedAt,
    deadline,
    waitingSince,
    lastOutcome,
    failedRevision,
    failure,
    smokeTest,
    retest,
    analysis,
    pin,
  } = record
  return {
    phase: record.phase,
    revision: record.revision ?? revision,
    message,
    ...(until && { until: timestamp(until) }),
    ...(targetColor && { targetColor }),
    ...(startedAt && { startedAt: timestamp(startedAt) }),
    ...(phaseStartedAt && { phaseStartedAt: timestamp(phaseStartedAt) }),
    ...(deadline && { deadline: timestamp(deadline) }),
    ...(waitingSince && { waitingSince: timestamp(waitingSince) }),
    ...(lastOutcome && { lastOutcome }),
    ...(failedRevision && { failedRevision }),
    ...(failure && { failure }),
    ...(smokeTest && { smokeTest }),
    ...(retest && { retest }),
    ...(analysis && { analysis }),
    ...(pin && { rolledBack: { to: pin.revision, insteadOf: pin.insteadOf } }),
  } satisfies AuthServiceStatus['rollout']
}

function readAnalysis(
  analysis: { verdict: string; message?: string; hadOutage?: boolean } | undefined,
): RolloutRecord['analysis'] {
  const verdict = (['pass', 'fail', 'noVerdict'] as const).find((one) => one === analysis?.verdict)
  return verdict && { verdict, message: analysis?.message ?? '', hadOutage: analysis?.hadOutage ?? false }
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
