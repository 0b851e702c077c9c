import {
  MongoClientClosedError,
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoStalePrimaryError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb'
import { DependencyUnavailableError } from '../../external/dependency-watch.ts'

/**
 * Error codes after which repeating the request may help: those of elections and shutdowns, timeouts, transactions that
 * a conflict or an election aborted, a user whose password is being changed, and a full disk.
 * @see https://www.mongodb.com/docs/manual/reference/error-codes/
 * @see https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md
 */
const unavailableCodes: ReadonlySet<number> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  89, // NetworkTimeout
  202, // NetworkInterfaceExceededTimeLimit
  9_001, // SocketException
  ...[91, 11_600, 11_602], // ShutdownInProgress, InterruptedAtShutdown, InterruptedDueToReplStateChange
  ...[189, 10_058, 10_107, 13_435, 13_436, 133, 134], // PrimarySteppedDown … ReadConcernMajorityNotAvailableYet
  ...[24, 46, 50, 262, 290], // LockTimeout, LockBusy, MaxTimeMSExpired, ExceededTimeLimit, TransactionExceededLifetimeLimitSeconds
  ...[64, 79, 100], // WriteConcernTimeout, UnknownReplWriteConcern, UnsatisfiableWriteConcern
  ...[43, 112, 225, 244, 251], // CursorNotFound, WriteConflict, TransactionTooOld, TransactionAborted, NoSuchTransaction
  ...[63, 150, 13_388], // StaleShardVersion, StaleEpoch, StaleConfig
  ...[13, 18, 391], // Unauthorized, AuthenticationFailed, ReauthenticationRequired
  14_031, // OutOfDiskSpace
])

/** Labels of server and driver for errors after which the same request may succeed. */
const retryableLabels = [
  'RetryableWriteError',
  'TransientTransactionError',
  'UnknownTransactionCommitResult',
  'RetryableError',
  'SystemOverloadedError',
]

const unavailableClasses = [
  DependencyUnavailableError,
  MongoServerSelectionError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoWriteConcernError,
  MongoStalePrimaryError,
  MongoTopologyClosedError,
  MongoServerClosedError,
  MongoClientClosedError,
]

/**
 * Whether the database was unavailable, so that the request may be repeated. Any other error is a fault of the server.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  return (
    unavailableClasses.some((one) => error instanceof one) ||
    (error instanceof MongoError && retryableLabels.some((label) => error.hasErrorLabel(label))) ||
    (error instanceof MongoServerError && unavailableCodes.has(Number(error.code))) ||
    // Classes that the driver does not export.
    (error instanceof Error && /^Mongo(WaitQueue|Operation)TimeoutError$/.test(error.name))
  )
}
