import { setTimeout } from 'node:timers/promises'
import { type ClientSession, type MongoClient, MongoError, MongoNetworkError, MongoServerError } from 'mongodb'
import { problem } from '../app/problems/problem.ts'

/** Nobody waits longer for a transaction that meets others again and again. */
const mostMilliseconds = 1_000
/** At most, before a transaction that met another one is tried again. */
const retryMilliseconds = 20

/**
 * A transaction that gives up while somebody still waits for it. The driver's own `withTransaction` goes on for two
 * minutes.
 *
 * @param onLeft told of a session whose transaction the server may still have open: it did not answer
 */
export async function transaction<Result>(
  client: MongoClient,
  onLeft: (session: NonNullable<ClientSession['id']>) => void,
  work: (transaction: ClientSession) => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + mostMilliseconds
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
        // Another attempt of the same session would have ended the one before.
        if (error instanceof MongoNetworkError && session.id !== undefined) onLeft(session.id)
        throw asBusy(error)
      }
      await setTimeout(Math.random() * retryMilliseconds)
    }
  }
}

/** Others were faster again and again: nothing is wrong with the request. */
function asBusy(error: unknown): unknown {
  const isConflict = error instanceof MongoServerError && error.codeName === 'WriteConflict'
  return isConflict
    ? problem(503, 'busy', 'Too many changes of the same thing at a time.', { retryAfterSeconds: 1, cause: error })
    : error
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
