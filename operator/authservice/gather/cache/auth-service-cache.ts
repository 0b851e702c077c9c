import type { Informer } from '../../../kube/informer.ts'
import type { Change } from '../../../kube/object-cache.ts'
import { keyOf, type ObjectKey } from '../../../kube/objects.ts'
import type { AuthService, AuthServiceStatus } from '../../api/schema.ts'
import type { StatusObserver } from '../../apply/kube-cluster-writer.ts'
import type { AuthServiceKey } from '../../model/auth-service-key.ts'
import { contentHash } from '../../model/content-hash.ts'
import { authServices } from '../../model/kinds.ts'
import { withOwnAnnotations } from './cache-transforms.ts'
import { cachedObject, createInformers, type InformerSettings } from './informers.ts'
import type { Notify } from './owned-cache.ts'

/** The AuthServices, and which of their changes lead to a reconcile. */
export class AuthServiceCache implements StatusObserver {
  readonly informers: readonly Informer<AuthService>[]
  /** Hash of the status that the operator last wrote, by AuthService: another client wrote any other status. */
  readonly #ownStatus = new Map<ObjectKey, string>()

  constructor(settings: InformerSettings, notify: Notify) {
    this.informers = createInformers<AuthService>(settings, authServices, { transform: withOwnAnnotations })
    this.onChange((change) => {
      const { metadata } = change.object
      if (change.type === 'deleted') this.#ownStatus.delete(keyOf(change.object))
      const isStatus = change.type === 'updated' && isOnlyStatus(change.before, change.object)
      if (!isStatus) notify(metadata, 'now')
      else if (!this.#isOwnStatus(change.object)) notify(metadata, 'soon')
    })
  }

  list(): AuthService[] {
    return this.informers.flatMap((informer) => informer.list())
  }

  get(key: AuthServiceKey): AuthService | undefined {
    return cachedObject(this.informers, keyOf({ metadata: key }))
  }

  /** Calls back for each change, including changes of a status. */
  onChange(handler: (change: Change<AuthService>) => void): void {
    for (const informer of this.informers) informer.onChange(handler)
  }

  beforeStatusWrite(key: ObjectKey, status: AuthServiceStatus): void {
    this.#ownStatus.set(key, contentHash(status))
  }

  afterStatusWrite(written: AuthService): void {
    for (const informer of this.informers) informer.observeWrite(written)
  }

  #isOwnStatus(authService: AuthService): boolean {
    return this.#ownStatus.get(keyOf(authService)) === contentHash(authService.status)
  }
}

/** Whether only the status has changed. */
function isOnlyStatus(before: AuthService, after: AuthService): boolean {
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
  return (
    before.metadata.generation === after.metadata.generation &&
    before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
    same(before.metadata.annotations, after.metadata.annotations) &&
    !same(before.status, after.status)
  )
}
