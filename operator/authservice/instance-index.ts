import type { Change } from '../kube/informer.ts'
import { type KubernetesObject, keyOf, type ObjectKey } from '../kube/objects.ts'

/** What other controllers make for an AuthService carries its name under this label. */
export const instanceLabel = 'app.kubernetes.io/instance'

/** Keys of objects by the AuthService that their label names, so that one visit does not look at everybody's. */
export class InstanceIndex {
  readonly #byInstance = new Map<string, Set<ObjectKey>>()

  take(change: Change<KubernetesObject>): void {
    if (change.type === 'updated') this.#remove(change.before)
    if (change.type === 'deleted') this.#remove(change.object)
    else this.#put(change.object)
  }

  keysOf(authService: { namespace: string; name: string }): ObjectKey[] {
    return [...(this.#byInstance.get(keyOf({ metadata: authService })) ?? [])]
  }

  #put(object: KubernetesObject): void {
    const instance = instanceOf(object)
    if (instance === undefined) return
    const siblings = this.#byInstance.get(instance) ?? new Set<ObjectKey>()
    siblings.add(keyOf(object))
    this.#byInstance.set(instance, siblings)
  }

  #remove(object: KubernetesObject): void {
    const instance = instanceOf(object)
    const siblings = instance === undefined ? undefined : this.#byInstance.get(instance)
    if (instance === undefined || siblings === undefined) return
    siblings.delete(keyOf(object))
    if (siblings.size === 0) this.#byInstance.delete(instance)
  }
}

function instanceOf({ metadata }: KubernetesObject): string | undefined {
  const name = metadata.labels?.[instanceLabel]
  return name === undefined ? undefined : keyOf({ metadata: { ...metadata, name } })
}
