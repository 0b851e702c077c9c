import { setTimeout } from 'node:timers/promises'
import { type ClientSession, type MongoClient, MongoError, MongoNetworkError, MongoServerError } from 'mongodb'

/** Maximum time for which a request waits for a transaction with conflicts. */
const maxMilliseconds = 1_000
/** Maximum delay before a transaction with a conflict is retried. */
const retryMilliseconds = 20

/** Other transactions changed the same documents first, at every attempt. The request may be repeated. */
export class TransactionConflictError extends Error {
  override name = 'TransactionConflictError'
}

/**
 * A transaction that fails while its request still waits. `withTransaction` of the driver retries for two minutes.
 *
 * @param onOrphaned receives a session whose transaction may still be open on the server, because it did not answer
 */
export async function transaction<Result>(
  client: MongoClient,
  onOrphaned: (session: NonNullable<ClientSession['id']>) => void,
  work: (transaction: ClientSession) => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + maxMilliseconds
  await using session = client.startSession()
  const isWorthAnother = (error: unknown, label: string) =>
    error instanceof MongoError && error.hasErrorLabel(label) && performance.now() < deadline
  for (;;) {
    session.startTransaction()
    try {
      const result = await work(session)
      await untilCommitted(session, (error) => isWorthAnother(error, 'UnknownTransactionCommitResult'))
      return result
    } catch (error) {
      if (session.inTransaction()) await session.abortTransaction()
      if (!isWorthAnother(error, 'TransientTransactionError')) {
        // Another attempt of the same session would have ended the previous one.
        if (error instanceof MongoNetworkError && session.id !== undefined) onOrphaned(session.id)
        throw withConflictNamed(error)
      }
      await setTimeout(Math.random() * retryMilliseconds)
    }
  }
}

function withConflictNamed(error: unknown): unknown {
  const isConflict = error instanceof MongoServerError && error.codeName === 'WriteConflict'
  return isConflict ? new TransactionConflictError(error.message, { cause: error }) : error
}

async function untilCommitted(session: ClientSession, isWorthAnother: (error: unknown) => boolean): Promise<void> {
  for (;;) {
    try {
      return await session.commitTransaction()
    } catch (error) {
      if (!isWorthAnother(error)) throw error
    }
  }
}
