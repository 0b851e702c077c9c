import type { LockPolicy } from '../../../config/units.ts'
/** Failed logins of one subject: a pair of address and account, or a known device. */
export interface LockState {
  failures: number
  lockedUntil: number
  lastFailureAt: number
}

/** Result of one attempt. `left` is the time until the lock ends. */
export type AttemptResult =
  | { outcome: 'locked'; left: number }
  /** `lock`: duration of the lock; 0 if the subject may try again at once. */
  | { outcome: 'failed'; failures: number; lock: number }
  | { outcome: 'succeeded'; failuresBefore: number }

/** Unlocking an account clears all earlier failures. */
export function current(
  state: LockState | undefined,
  unlockedAt: number | undefined,
  policy: LockPolicy,
  now: number,
): LockState | undefined {
  if (state === undefined) return undefined
  if (unlockedAt !== undefined && state.lastFailureAt <= unlockedAt) return undefined
  return now >= Math.max(state.lockedUntil, state.lastFailureAt) + policy.memory ? undefined : state
}

/**
 * Decided after the password check, not before: of a hundred simultaneous guesses, only as many learn the result as are
 * allowed one after another. The others find the lock, even if their password is right.
 */
export function recordAttempt(
  state: LockState | undefined,
  isValid: boolean,
  policy: LockPolicy,
  now: number,
): { result: AttemptResult; state: LockState | undefined } {
  if (state !== undefined && state.lockedUntil > now) {
    return { result: { outcome: 'locked', left: state.lockedUntil - now }, state }
  }
  const failuresBefore = state?.failures ?? 0
  if (isValid) return { result: { outcome: 'succeeded', failuresBefore }, state: undefined }
  const failures = failuresBefore + 1
  const lock = lockAfter(failures, policy)
  return {
    result: { outcome: 'failed', failures, lock },
    state: { failures, lockedUntil: lock === 0 ? 0 : now + lock, lastFailureAt: now },
  }
}

function lockAfter(failures: number, { lockAtFailure, firstLock, longestLock }: LockPolicy): number {
  if (failures < lockAtFailure) return 0
  return Math.min(firstLock * 2 ** Math.min(failures - lockAtFailure, 40), longestLock)
}
