import type { ConditionType } from './conditions.ts'
import type { Reason } from './reasons.ts'

/**
 * Something about a spec that the schema cannot see. `stall`: the AuthService cannot be what the spec asks for until a
 * person mends it. `note`: it can, all but for what the message says.
 */
export interface Finding {
  kind: 'stall' | 'note'
  /** The condition that it shows in. A stall shows in `Stalled` and `Ready`, too. */
  condition: ConditionType
  reason: Reason
  message: string
}
