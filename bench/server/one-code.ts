import { setTimeout } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { beginLogin } from './logins.ts'
import { stepMilliseconds } from './second-factors.ts'

/** More than a server answers at a time. */
const connections = 250
/** Each use belongs to one of these, so that a code that was accepted twice would complete two logins. */
const pendingLogins = 20

/** What became of the uses of one code that were answered before the code expired. */
export interface UsesOfOneCode {
  /** 200: a login was completed. */
  accepted: number
  /** 403 `mfa_code_wrong`: the code was used before. */
  refused: number
  /** 401: uses with the token of the completed login. */
  ended: number
  /** Seconds until the last of these answers. */
  seconds: number
  /** Answers after the code had expired; they are in no other figure. */
  late: number
}

/**
 * Sends one code of one user `count` times, over many connections to two servers at the same time. The code is that of
 * the next time step at the beginning of a step, so that it is valid for three steps.
 *
 * @throws when a server answers anything else
 */
export async function useOneCode(
  origins: readonly [string, string],
  email: string,
  codeOf: (email: string, steps: number) => string,
  count: number,
): Promise<UsesOfOneCode> {
  const dispatcher = new Agent({ connections: connections / 2 })
  try {
    // One after the other: a server refuses logins that would wait long for a core.
    const tokens: string[] = []
    for (let login = 0; login < pendingLogins; login++) {
      tokens.push(await beginLogin(origins[login % 2] ?? '', email, dispatcher))
    }
    await setTimeout(stepMilliseconds - (Date.now() % stepMilliseconds))
    const [start, code] = [performance.now(), codeOf(email, 1)]
    const uses: UsesOfOneCode = { accepted: 0, refused: 0, ended: 0, seconds: 0, late: 0 }
    let next = 0
    const client = async () => {
      for (let use = next++; use < count; use = next++) {
        const body = JSON.stringify({ mfa_token: tokens[use % pendingLogins], method: 'totp', code })
        const status = await send(origins[use % 2] ?? '', body, dispatcher)
        const elapsed = performance.now() - start
        if (elapsed >= 3 * stepMilliseconds) {
          uses.late += 1
          continue
        }
        uses[status] += 1
        uses.seconds = elapsed / 1000
      }
    }
    await Promise.all(Array.from({ length: connections }, client))
    return uses
  } finally {
    await dispatcher.close()
  }
}

async function send(origin: string, json: string, dispatcher: Agent): Promise<'accepted' | 'refused' | 'ended'> {
  const { statusCode, body } = await request(`${origin}/v1/auth/login/mfa`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: json,
    dispatcher,
  })
  const answer = await body.text()
  if (statusCode === 200) return 'accepted'
  if (statusCode === 401 && answer.includes('mfa_token_invalid')) return 'ended'
  if (statusCode === 403 && answer.includes('mfa_code_wrong')) return 'refused'
  throw new Error(`the use of a code was answered ${statusCode}: ${answer}`)
}
