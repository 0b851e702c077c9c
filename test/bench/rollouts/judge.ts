/** What a client of the bench asks for. */
export type RequestKind = 'verify' | 'refresh' | 'login'

/** How a request ended: an answer, or an error of the connection. */
export type Ending = { status: number; code?: string | undefined } | { error: string }

/**
 * `failed`: what no client may see in a rollout. `refused`: a log-in with the right password that was answered with 401,
 * which only a bad version does. It is counted by itself: it is that version's fault, not the rollout's.
 */
export type Judgement = { result: 'ok' | 'refused' } | { result: 'failed'; why: string }

/**
 * Judges a request that should succeed: every token is valid, every password is right, and no limit is near. A connection
 * that breaks, a 5xx and a 401 for a token fail, and so does every other answer that was not asked for.
 *
 * @param refusesLogins whether a version is out that is known to refuse every log-in
 */
export function judge(kind: RequestKind, ending: Ending, refusesLogins: boolean): Judgement {
  if ('error' in ending) return { result: 'failed', why: ending.error }
  const { status, code } = ending
  if (status === 200) return { result: 'ok' }
  if (kind === 'login' && status === 401 && refusesLogins) return { result: 'refused' }
  return { result: 'failed', why: code === undefined ? String(status) : `${status} ${code}` }
}
