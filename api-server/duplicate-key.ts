import { MongoServerError } from 'mongodb'

/**
 * Whether MongoDB has refused a write because a document has the same value in a unique index.
 * @see https://www.mongodb.com/docs/manual/reference/error-codes/
 */
export function isDuplicateKey(error: unknown): error is MongoServerError {
  return error instanceof MongoServerError && error.code === 11_000
}
