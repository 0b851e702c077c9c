import type { KubeClient } from '../../../kube/client.ts'
import { Informer, type InformerOptions } from '../../../kube/informer.ts'
import type { Log } from '../../../kube/log.ts'
import type { Admission } from '../../../kube/object-cache.ts'
import type { KubernetesObject, ObjectKey, Resource } from '../../../kube/objects.ts'
import type { Reader } from './claims.ts'

/** Common settings of all informers of an operator. */
export interface InformerSettings {
  client: KubeClient
  log: Log
  /** Watched namespaces; empty: all. */
  namespaces: readonly string[]
  /** Time after which a watch is replaced by the next one. */
  watchSeconds?: { least: number; most: number }
  onHandlerError?: (kind: string) => void
  onList?: (kind: string) => void
}

/** Common interface of all informers, whatever objects they contain. */
export type WatchedInformer = Pick<
  Informer<KubernetesObject>,
  'start' | 'stop' | 'synced' | 'hasSynced' | 'silentSeconds' | 'longestSilenceSeconds' | 'contents'
>

/** Which objects of a kind are cached, and which part of each. Each informer gets its own admission. */
export interface Selection<T>
  extends Pick<InformerOptions<T>, 'labelSelector' | 'isMetadataOnly' | 'transform' | 'keep'> {
  /** By default, every selected object is cached. */
  admission?: (reader: Reader) => Admission<T>
}

/** Informers of a kind that have not started: one for the whole cluster, or one for each namespace. */
export function createInformers<T extends KubernetesObject>(
  { client, log, namespaces, watchSeconds, onHandlerError, onList }: InformerSettings,
  resource: Resource,
  { admission, ...selection }: Selection<T>,
): Informer<T>[] {
  const scopes = namespaces.length === 0 || !resource.namespaced ? [undefined] : namespaces
  return scopes.map((namespace) => {
    const informer: Informer<T> = new Informer<T>({
      client,
      resource,
      log,
      ...selection,
      ...(namespace !== undefined && { namespace }),
      ...(admission !== undefined && {
        admission: admission({
          namespace,
          get isStopped() {
            return informer.isStopped
          },
          readAgain: (one) => informer.readAgain(one),
        }),
      }),
      ...(watchSeconds !== undefined && { watchSeconds }),
      onHandlerError: () => onHandlerError?.(resource.kind),
      onList: () => onList?.(resource.kind),
    })
    return informer
  })
}

/** The object in the cache of one of these informers. */
export function cachedObject<T extends KubernetesObject>(
  informers: readonly Informer<T>[],
  key: ObjectKey,
): T | undefined {
  for (const informer of informers) {
    const object = informer.get(key)
    if (object !== undefined) return object
  }
  return undefined
}
