import { randomBytes } from 'node:crypto'
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { type IssuedTokens, issuedTokens } from '../issued-tokens.ts'

/** A user and the refresh token of a session. */
export interface Session {
  email: string
  password: string
  refreshToken: string
}

/** Access tokens outlive the run, so the oldest ones stay valid. */
const maxTokens = 400

/** The users of the bench with their tokens, old and new. All of them should be valid. */
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

  /** Registers users and logs each of them in. @throws when an answer is not 201 or 200 */
  static async open(edge: Pick<EdgeClient, 'call'>, count: number): Promise<Sessions> {
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

  /** A random one of the tokens, old or new. */
  anyToken(): string {
    return this.#tokens[Math.floor(Math.random() * this.#tokens.length)] ?? ''
  }

  /** The id of the key that signed the newest token. */
  newestKeyId(): string {
    const [header = ''] = (this.#tokens.at(-1) ?? '').split('.')
    return JSON.parse(Buffer.from(header, 'base64url').toString('utf8')).kid
  }

  /** Users log in in turn, so that no account reaches a limit. */
  nextUser(): Session {
    const session = this.#all[this.#nextUser++ % this.#all.length]
    if (session === undefined) throw new Error('there are no users')
    return session
  }

  /** Takes a session that no other request refreshes, until `put` gives it back; undefined when there is none. */
  takeForRefresh(): Session | undefined {
    return this.#idle.shift()
  }

  /**
   * Keeps the tokens of an answer, if it has any, and gives back a session that was taken. Without tokens, the session
   * keeps its refresh token and is the next to refresh: clients retry at once, because a server that rotated the token
   * before it failed accepts it only for the grace period.
   */
  put(session: Session | undefined, answer: unknown): void {
    const issued = issuedTokens(answer)
    if (issued !== undefined) {
      this.#tokens.push(issued.accessToken)
      // The oldest tokens stay, because a key rotation must not break them: one from the middle goes.
      if (this.#tokens.length > maxTokens) this.#tokens.splice(maxTokens / 2, 1)
    }
    if (session === undefined) return
    if (issued === undefined) {
      this.#idle.unshift(session)
      return
    }
    session.refreshToken = issued.refreshToken
    this.#idle.push(session)
  }
}

async function expectAnswer(
  status: number,
  edge: Pick<EdgeClient, 'call'>,
  path: string,
  json: object,
): Promise<unknown> {
  const answer = await edge.call('POST', path, { json })
  if (answer.status === status) return answer.body
  throw new Error(`${path} answered ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`)
}

function tokensOf(body: unknown): IssuedTokens {
  const issued = issuedTokens(body)
  if (issued === undefined) throw new Error(`the response has no tokens: ${JSON.stringify(body)}`)
  return issued
}
