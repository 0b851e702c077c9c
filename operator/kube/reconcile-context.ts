import { AsyncLocalStorage } from 'node:async_hooks'

/** Fields of every log line of a reconcile, with the names that controller-runtime uses. */
export interface ReconcileFields {
  controller: string
  /** Unique for each reconcile: a retry has another one. */
  reconcileID: string
  namespace?: string
  name: string
}

/** Only for log lines. Everything else that a reconcile needs, above all its signal, is an argument. */
const storage = new AsyncLocalStorage<ReconcileFields>()

/** Runs one reconcile: `reconcileFields` returns these fields in everything that it calls and awaits. */
export function inReconcile<Result>(fields: ReconcileFields, reconcile: () => Result): Result {
  return storage.run(fields, reconcile)
}

/**
 * Runs something that a reconcile starts and does not wait for, such as a timer: its log lines do not belong to the
 * reconcile.
 */
export function outsideReconcile<Result>(run: () => Result): Result {
  return storage.exit(run)
}

/** The fields of the current reconcile; undefined outside of one. For the `mixin` of pino. */
export function reconcileFields(): ReconcileFields | undefined {
  return storage.getStore()
}
