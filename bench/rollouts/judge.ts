import type { Fault } from '../../tools/bad-versions/images.ts'

/** The requests that clients of the bench send. */
export type RequestKind = 'verify' | 'refresh' | 'login'

/** An answer. */
interface AnswerSeen {
  status: number
  /** The `code` of the problem in the body, such as `invalid_credentials`. */
  code?: string | undefined
  /** The fault of the bad version that answered; undefined when a good version answered. */
  badVersion?: string | undefined
}

/** How a request ended: an answer, or an error of the connection. */
export type Ending = AnswerSeen | { error: string }

/**
 * `failed`: a response that no client may get during a rollout. `refused`: a 401 for a login with the correct password,
 * from a version that refuses every login. It is counted separately, because the version causes it, not the rollout.
 */
export type Judgement = { result: 'ok' | 'refused' } | { result: 'failed'; why: string }

const refusesLogins: Fault = 'logins-fail'

/**
 * Judges a request that should succeed: every token is valid, every password is correct, and no limit is near. A broken
 * connection, a 5xx, a 401 for a token and every other unexpected answer fail, whichever version answers.
 *
 * @param isBadVersionExpected whether a version that refuses every login may have traffic now. Otherwise, its refusals
 * are failures.
 */
export function judge(kind: RequestKind, ending: Ending, isBadVersionExpected: boolean): Judgement {
  if ('error' in ending) return { result: 'failed', why: ending.error }
  const { status, code, badVersion } = ending
  if (status === 200) return { result: 'ok' }
  const isRefusal = badVersion === refusesLogins && kind === 'login' && status === 401
  if (isRefusal && isBadVersionExpected) return { result: 'refused' }
  const answer = code === undefined ? String(status) : `${status} ${code}`
  return { result: 'failed', why: badVersion === undefined ? answer : `${answer} of the bad version ${badVersion}` }
}
