import { AsyncLocalStorage } from 'node:async_hooks'

/** What everything that is logged below one reconcile carries, by the names that controller-runtime logs. */
export interface ReconcileFields {
  controller: string
  /** Unique to this one pass: a retry has another. */
  reconcileID: string
  namespace?: string
  name: string
}

const storage = new AsyncLocalStorage<ReconcileFields>()

/** Runs one reconcile; `reconcileFields` finds its fields in all that it calls and awaits. */
export function inReconcile<Result>(fields: ReconcileFields, reconcile: () => Result): Result {
  return storage.run(fields, reconcile)
}

/** The fields of the reconcile that the caller runs in; undefined outside of one. For pino's `mixin`. */
export function reconcileFields(): ReconcileFields | undefined {
  return storage.getStore()
}
