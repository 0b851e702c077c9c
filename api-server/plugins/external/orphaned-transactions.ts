import { setTimeout } from 'node:timers/promises'
import type { ClientSession } from 'mongodb'

type SessionId = NonNullable<ClientSession['id']>

export interface OrphanedTransactionsOptions {
  /** Ends the open transactions of these sessions on the server. */
  kill: (sessions: SessionId[]) => Promise<unknown>
  /** Whether the server is available. */
  isUp: () => boolean
  onFailure: (error: unknown) => void
  /** Delay between the first and the second time. */
  againMilliseconds?: number
}

/**
 * Transactions that are open on the server although their client has disconnected. A server that hung executes what it
 * received, waits for the rest, and blocks other writes to the same documents for a minute. They are ended as soon as
 * the server answers, and once more later, because it may execute further requests.
 *
 * @see https://www.mongodb.com/docs/manual/reference/command/killSessions/
 * @see https://www.mongodb.com/docs/manual/core/transactions-production-consideration/#runtime-limit
 */
export class OrphanedTransactions {
  readonly #options: Required<OrphanedTransactionsOptions>
  #pending: SessionId[] = []

  constructor(options: OrphanedTransactionsOptions) {
    this.#options = { againMilliseconds: 1_000, ...options }
  }

  /** A transaction of this session ended without an answer. */
  async add(session: SessionId): Promise<void> {
    this.#pending.push(session)
    if (this.#options.isUp()) await this.end()
  }

  /** Call this when the server has recovered. Failed attempts are repeated the next time. */
  async end(): Promise<void> {
    const { kill, againMilliseconds, onFailure } = this.#options
    const sessions = this.#pending
    this.#pending = []
    if (sessions.length === 0) return
    try {
      await kill(sessions)
      await setTimeout(againMilliseconds, undefined, { ref: false })
      await kill(sessions)
    } catch (error) {
      onFailure(error)
      this.#pending.push(...sessions)
    }
  }
}
