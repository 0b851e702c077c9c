import type { AuthService } from '../../api/schema.ts'
import type { AuthServiceKey } from '../../model/auth-service-key.ts'
import type { WatchedInformer } from './informers.ts'

/**
 * The objects that belong to AuthServices, as informers last saw them.
 *
 * A reconcile must not list the cluster, and an operator for 1,000 AuthServices has 256 MiB. Each cache therefore finds
 * the objects of one AuthService with an index, and stays small in four ways. It admits only objects that name an
 * existing AuthService, because any user can set our labels (`Claims`); an object that arrived before its AuthService
 * is listed again when that appears (`LateReads`). It drops unused fields of each object (`cache-transforms.ts`). It
 * keeps children, which are most of the memory, as text: AuthServices share equal parts of the text, which takes 28 MB
 * instead of 83 MB for 1,000 of them (`PackedChildren`). And it limits what a user can add: the number and the length
 * of the objects of each AuthService. Objects beyond these limits are omitted, or read when they are needed.
 */
export interface OwnedCache<T> {
  /** The informers that fill the cache. They run from startup to shutdown. */
  readonly informers: readonly WatchedInformer[]
  /** The objects of one AuthService. They may be slightly out of date. */
  of(authService: AuthService): readonly T[]
  /** The AuthService is gone: its objects may still exist, but are no longer cached. */
  forget(authService: AuthService): void
}

/** Called with an AuthService to reconcile: immediately, or after a burst of changes. */
export type Notify = (key: AuthServiceKey, when: 'now' | 'soon') => void
