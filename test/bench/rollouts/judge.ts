import type { Fault } from '../../bad-versions/images.ts'

/** What a client of the bench asks for. */
export type RequestKind = 'verify' | 'refresh' | 'login'

/** What came back. */
export interface AnswerSeen {
  status: number
  /** Of the problem that the body tells, such as `invalid_credentials`. */
  code?: string | undefined
  /** The fault of the bad version that answered, by its own word; undefined: it was no pod of one. */
  badVersion?: string | undefined
}

/** How a request ended: an answer, or an error of the connection. */
export type Ending = AnswerSeen | { error: string }

/**
 * `failed`: what no client may see in a rollout. `refused`: a log-in with the right password that was answered with 401 by
 * a version that does so to everybody. It is counted by itself: it is that version's fault, not the rollout's.
 */
export type Judgement = { result: 'ok' | 'refused' } | { result: 'failed'; why: string }

const refusesLogins: Fault = 'logins-fail'

/**
 * Judges a request that should succeed: every token is valid, every password is right, and no limit is near. A connection
 * that breaks, a 5xx and a 401 for a token fail, and so does every other answer that was not asked for, whoever gave it.
 *
 * @param isBadVersionOut whether a version that refuses every log-in may have traffic now. Before and after, none of its
 * answers is excused.
 */
export function judge(kind: RequestKind, ending: Ending, isBadVersionOut: boolean): Judgement {
  if ('error' in ending) return { result: 'failed', why: ending.error }
  const { status, code, badVersion } = ending
  if (status === 200) return { result: 'ok' }
  const isItsFault = badVersion === refusesLogins && kind === 'login' && status === 401
  if (isItsFault && isBadVersionOut) return { result: 'refused' }
  const what = code === undefined ? String(status) : `${status} ${code}`
  return { result: 'failed', why: badVersion === undefined ? what : `${what} of the bad version ${badVersion}` }
}
