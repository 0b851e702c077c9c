/** When failed log-ins lock, and for how long. Times are in milliseconds. */
export interface LockPolicy {
  /** The failure that locks for the first time. */
  lockAtFailure: number
  /** How long the first lock is; each further failure doubles it. */
  firstLock: number
  longestLock: number
  /** Failures are forgotten so long after the last one, or after the end of the lock. */
  memory: number
}

/** Failed log-ins of one subject: a pair of address and account, or a known device. */
export interface LockState {
  failures: number
  lockedUntil: number
  lastFailureAt: number
}

/** What becomes of one attempt. `left` is the time until the lock ends. */
export type Settlement =
  | { outcome: 'locked'; left: number }
  /** `lock`: how long the subject is locked from now on; 0 while it may try again at once. */
  | { outcome: 'failed'; failures: number; lock: number }
  | { outcome: 'succeeded'; failuresBefore: number }

/** Unlocking an account forgets everything that happened before. */
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
 * Decided when the password has been checked, not before: of a hundred guesses at the same time only so many learn
 * whether they were right as are allowed one after the other. The others find the lock, the right one among them.
 */
export function settle(
  state: LockState | undefined,
  isRight: boolean,
  policy: LockPolicy,
  now: number,
): { settlement: Settlement; state: LockState | undefined } {
  if (state !== undefined && state.lockedUntil > now) {
    return { settlement: { outcome: 'locked', left: state.lockedUntil - now }, state }
  }
  const failuresBefore = state?.failures ?? 0
  if (isRight) return { settlement: { outcome: 'succeeded', failuresBefore }, state: undefined }
  const failures = failuresBefore + 1
  const lock = lockAfter(failures, policy)
  return {
    settlement: { outcome: 'failed', failures, lock },
    state: { failures, lockedUntil: lock === 0 ? 0 : now + lock, lastFailureAt: now },
  }
}

function lockAfter(failures: number, { lockAtFailure, firstLock, longestLock }: LockPolicy): number {
  if (failures < lockAtFailure) return 0
  return Math.min(firstLock * 2 ** Math.min(failures - lockAtFailure, 40), longestLock)
}
