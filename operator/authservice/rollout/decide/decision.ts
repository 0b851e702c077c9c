import type { Color } from '../../model/colors.ts'
import type { RolloutActions } from './observation.ts'
import type { RolloutRecord } from './record.ts'

/** The revision of each colour, the destination of the traffic, and the record for status. */
export interface RolloutDecision {
  /** Revision that the rollout ends at. */
  revision: string
  /** Colour that the Service and the autoscaler select. */
  activeColor: Color
  /** Colour that the preview Service selects; undefined: none. */
  previewColor: Color | undefined
  /** Revision of the pod template of each colour. A colour without an entry has no Deployment. */
  templates: Partial<Record<Color, string>>
  /** Pod counts to write through the scale subresource. A colour without an entry keeps its count. */
  counts: Partial<Record<Color, number>>
  /** Revision that needs a smoke test now. */
  smokeTestOf: string | undefined
  /** The only revision that uses the database from now on; undefined: an earlier one may return. */
  contractionOf: string | undefined
  /** Actions that count as taken, whether or not they had an effect: no later reconcile acts on them. */
  actionsTaken: (keyof RolloutActions)[]
  record: RolloutRecord
  /**
   * true if nothing is in progress: every desired pod of the live colour runs the last good revision and is available.
   */
  complete: boolean
  /** Why the rollout does not continue, for people; undefined unless the revision failed. */
  failure: string | undefined
  /** What the rollout is waiting for, or that it is complete, as one sentence. */
  message: string
  /** When the wait in the message ends without an event. */
  until: Date | undefined
  /** When time alone changes the decision; 0 if the record changed, because the next decision depends on it. */
  requeueAfterSeconds: number | undefined
  /** The same if the record could not be written, so that the next decision depends on the old one. */
  unrecordedRequeueAfterSeconds?: number | undefined
}
