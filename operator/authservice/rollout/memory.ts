import type { AuthServiceStatus } from '../api/schema.ts'
import { emptyMemory, type RolloutDecision, type RolloutMemory, rolloutOutcomes, rolloutPhases } from './world.ts'

/** What an earlier visit remembered. A status that somebody emptied or garbled is an empty memory, not an error. */
export function readMemory(status: AuthServiceStatus | undefined): RolloutMemory {
  const rollout = status?.rollout
  if (status === undefined || rollout === undefined) return emptyMemory
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
    lastOutcome: rolloutOutcomes.find((outcome) => outcome === rollout.lastOutcome),
    failedRevision: rollout.failedRevision,
    failure: rollout.failure,
    smokeTest: rollout.smokeTest && { passed: rollout.smokeTest.passed, message: rollout.smokeTest.message ?? '' },
    analysis: readAnalysis(rollout.analysis),
    pin: rolledBack && { revision: rolledBack.to, insteadOf: rolledBack.insteadOf },
  }
}

/** Tells one try of a revision from the next: when it began, in the whole seconds that status holds. */
export function attemptOf({ startedAt }: Pick<RolloutMemory, 'startedAt'>): number {
  return Math.trunc((startedAt?.getTime() ?? 0) / 1000)
}

/** The same, as status holds it. */
export function writeMemory({ memory, message, revision }: Pick<RolloutDecision, 'memory' | 'message' | 'revision'>) {
  const {
    targetColor,
    startedAt,
    phaseStartedAt,
    deadline,
    lastOutcome,
    failedRevision,
    failure,
    smokeTest,
    analysis,
    pin,
  } = memory
  return {
    phase: memory.phase,
    revision: memory.revision ?? revision,
    message,
    ...(targetColor && { targetColor }),
    ...(startedAt && { startedAt: timestamp(startedAt) }),
    ...(phaseStartedAt && { phaseStartedAt: timestamp(phaseStartedAt) }),
    ...(deadline && { deadline: timestamp(deadline) }),
    ...(lastOutcome && { lastOutcome }),
    ...(failedRevision && { failedRevision }),
    ...(failure && { failure }),
    ...(smokeTest && { smokeTest }),
    ...(analysis && { analysis }),
    ...(pin && { rolledBack: { to: pin.revision, insteadOf: pin.insteadOf } }),
  } satisfies AuthServiceStatus['rollout']
}

function readAnalysis(
  analysis: { verdict: string; message?: string; hadOutage?: boolean } | undefined,
): RolloutMemory['analysis'] {
  const verdict = (['pass', 'fail', 'noVerdict'] as const).find((one) => one === analysis?.verdict)
  return verdict && { verdict, message: analysis?.message ?? '', hadOutage: analysis?.hadOutage ?? false }
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Kubernetes' meta/v1 Time has no fractions of a second. */
function timestamp(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, 'Z')
}
