import { setTimeout } from 'node:timers/promises'
import type { ClientSession } from 'mongodb'

type SessionId = NonNullable<ClientSession['id']>

export interface LeftTransactionsOptions {
  /** Ends what these sessions have open on the server. */
  kill: (sessions: SessionId[]) => Promise<unknown>
  /** Whether the server answers. */
  isUp: () => boolean
  onFailure: (error: unknown) => void
  /** After the first time, until it is done again. */
  againMilliseconds?: number
}

/**
 * Transactions that a server has open whose client is gone: it got no answer and hung up. A server that hung carries out
 * what it was sent all the same, waits for the rest, and lets nobody else write what the transaction wrote, for a minute.
 * They are ended as soon as it answers; and once more, because it may take up what it was sent after that.
 *
 * @see https://www.mongodb.com/docs/manual/reference/command/killSessions/
 * @see https://www.mongodb.com/docs/manual/core/transactions-production-consideration/#runtime-limit
 */
export class LeftTransactions {
  readonly #options: Required<LeftTransactionsOptions>
  #left: SessionId[] = []

  constructor(options: LeftTransactionsOptions) {
    this.#options = { againMilliseconds: 1_000, ...options }
  }

  /** A transaction of this session ended without an answer. */
  async add(session: SessionId): Promise<void> {
    this.#left.push(session)
    if (this.#options.isUp()) await this.end()
  }

  /** To be called when the server is back. What fails is done the next time. */
  async end(): Promise<void> {
    const { kill, againMilliseconds, onFailure } = this.#options
    const sessions = this.#left
    this.#left = []
    if (sessions.length === 0) return
    try {
      await kill(sessions)
      await setTimeout(againMilliseconds, undefined, { ref: false })
      await kill(sessions)
    } catch (error) {
      onFailure(error)
      this.#left.push(...sessions)
    }
  }
}
