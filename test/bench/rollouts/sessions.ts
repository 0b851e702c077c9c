import { randomBytes } from 'node:crypto'
import type { EdgeClient } from '../../../scripts/demo/edge-client.ts'

/** Somebody who logged in. */
export interface Session {
  email: string
  password: string
  refreshToken: string
}

/** Access tokens live for longer than the whole run, so the oldest ones are as good as the newest. */
const mostTokens = 400

/** The users of the bench and what they hold: tokens of every age that should all be valid. */
export class Sessions {
  readonly #all: Session[]
  readonly #idle: Session[]
  readonly #tokens: string[]
  #nextUser = 0

  private constructor(sessions: Session[], tokens: string[]) {
    this.#all = sessions
    this.#idle = [...sessions]
    this.#tokens = tokens
  }

  /** Registers so many users and logs each of them in. @throws when an answer is not as it should be */
  static async open(edge: EdgeClient, count: number): Promise<Sessions> {
    const sessions: Session[] = []
    const tokens: string[] = []
    for (let index = 0; index < count; index++) {
      const credentials = {
        email: `bench-${index}-${randomBytes(4).toString('hex')}@example.com`,
        password: randomBytes(18).toString('base64url'),
      }
      await expectAnswer(201, edge, '/v1/auth/register', { ...credentials, name: 'Bench' })
      const { accessToken, refreshToken } = tokensOf(await expectAnswer(200, edge, '/v1/auth/login', credentials))
      sessions.push({ ...credentials, refreshToken })
      tokens.push(accessToken)
    }
    return new Sessions(sessions, tokens)
  }

  /** One of the tokens that were ever issued, whatever its age. */
  anyToken(): string {
    return this.#tokens[Math.floor(Math.random() * this.#tokens.length)] ?? ''
  }

  /** Id of the key that signed the newest token. */
  newestKeyId(): string {
    const [header = ''] = (this.#tokens.at(-1) ?? '').split('.')
    return JSON.parse(Buffer.from(header, 'base64url').toString('utf8')).kid
  }

  /** Log-ins take turns, so that no account comes near a limit. */
  nextUser(): Session {
    const session = this.#all[this.#nextUser++ % this.#all.length]
    if (session === undefined) throw new Error('there are no users')
    return session
  }

  /** A session that nobody refreshes right now, until `put` returns it; undefined when there is none. */
  takeForRefresh(): Session | undefined {
    return this.#idle.shift()
  }

  /**
   * Keeps the tokens of an answer, when it has any, and returns a session that was taken. One whose refresh got no
   * answer goes on with what it had, as a client does that asks again.
   */
  put(session: Session | undefined, answer: unknown): void {
    const issued = hasTokens(answer) ? tokensOf(answer) : undefined
    if (issued !== undefined) {
      this.#tokens.push(issued.accessToken)
      // The eldest half is what a rotation of keys must not break: the middle goes.
      if (this.#tokens.length > mostTokens) this.#tokens.splice(mostTokens / 2, 1)
    }
    if (session === undefined) return
    if (issued !== undefined) session.refreshToken = issued.refreshToken
    this.#idle.push(session)
  }
}

async function expectAnswer(status: number, edge: EdgeClient, path: string, json: object): Promise<unknown> {
  const answer = await edge.call('POST', path, { json })
  if (answer.status === status) return answer.body
  throw new Error(`${path} answered ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`)
}

interface TokenAnswer {
  access_token: string
  refresh_token: string
}

function hasTokens(answer: unknown): answer is TokenAnswer {
  return typeof answer === 'object' && answer !== null && 'access_token' in answer && 'refresh_token' in answer
}

function tokensOf(answer: unknown): { accessToken: string; refreshToken: string } {
  if (!hasTokens(answer)) throw new Error(`the answer has no tokens: ${JSON.stringify(answer)}`)
  return { accessToken: answer.access_token, refreshToken: answer.refresh_token }
}
