import type { ConditionType } from './condition.ts'
import type { Reason } from './reasons.ts'

/**
 * A problem of a spec that the schema cannot detect. `blocking`: the spec cannot be fulfilled until the user acts.
 * `warning`: it can, except for what the message says.
 */
export interface Finding {
  kind: 'blocking' | 'warning'
  /** The condition that reports the finding. `Stalled` and `Ready` report a blocking one, too. */
  condition: ConditionType
  reason: Reason
  message: string
  /** The part that stays unchanged until then; undefined: none. Every other part is written. */
  blocks?: BlockedPart
}

/**
 * What a finding can block. `server`: the server stays at the last revision that was written, with its network policy
 * and its backups. `exposure`: the objects through which clients reach the server.
 */
export type BlockedPart = 'server' | 'exposure'
