import type { Color } from '../../model/colors.ts'
import type { AnalysisResult } from './observation.ts'
import type { RolloutOutcome, RolloutPhase } from './phases.ts'

/** State that only status records: times and outcomes. If the record is lost, these are lost, but no request fails. */
export interface RolloutRecord {
  /** Colour that received the traffic. Used if the Service is missing. */
  activeColor: Color | undefined
  /** The last good revision: a rollback returns to it. */
  currentRevision: string | undefined
  phase: RolloutPhase
  /** Revision that is rolling out, or rolled out last. */
  revision: string | undefined
  /** Colour that receives it in a blue-green rollout. */
  targetColor: Color | undefined
  startedAt: Date | undefined
  /** When the phase began. */
  phaseStartedAt: Date | undefined
  /** When the revision fails unless it is ready. */
  deadline: Date | undefined
  /** Since when the revision has waited for a rollout slot. */
  waitingSince: Date | undefined
  lastOutcome: RolloutOutcome | undefined
  /** Revision that is not retried until the spec changes. */
  failedRevision: string | undefined
  /** Why it failed. */
  failure: string | undefined
  /** The last result of the smoke test of `revision`. */
  smokeTest: { passed: boolean; message: string } | undefined
  /**
   * Discarded tests of `revision`, and whether there was an outage since the current test was requested. Only in
   * `Testing`.
   */
  retest: { count: number; hadOutage: boolean } | undefined
  /** The last analysis of the traffic of `revision`. */
  analysis: { verdict: AnalysisResult['verdict']; message: string; hadOutage: boolean } | undefined
  /**
   * Revision that a user rolled back to, and the revision of the spec at that time. It applies until the spec changes.
   */
  pin: { revision: string; insteadOf: string } | undefined
}

/** The record before the first reconcile. */
export const emptyRecord: RolloutRecord = {
  activeColor: undefined,
  currentRevision: undefined,
  phase: 'Stable',
  revision: undefined,
  targetColor: undefined,
  startedAt: undefined,
  phaseStartedAt: undefined,
  deadline: undefined,
  waitingSince: undefined,
  lastOutcome: undefined,
  failedRevision: undefined,
  failure: undefined,
  smokeTest: undefined,
  retest: undefined,
  analysis: undefined,
  pin: undefined,
}
