import type { Change } from '../kube/informer.ts'
import { type KubernetesObject, keyOf } from '../kube/objects.ts'

/** What other controllers make for an AuthService carries its name under this label. */
export const instanceLabel = 'app.kubernetes.io/instance'

/** Objects by the AuthService that their label names, so that one visit does not look at everybody's. */
export class InstanceIndex<T extends KubernetesObject> {
  readonly #byInstance = new Map<string, Map<string, T>>()

  take(change: Change<T>): void {
    if (change.type === 'updated') this.#remove(change.before)
    if (change.type === 'deleted') this.#remove(change.object)
    else this.#put(change.object)
  }

  of(authService: { namespace: string; name: string }): T[] {
    return [...(this.#byInstance.get(keyOf({ metadata: authService }))?.values() ?? [])]
  }

  #put(object: T): void {
    const instance = instanceOf(object)
    if (instance === undefined) return
    const siblings = this.#byInstance.get(instance) ?? new Map<string, T>()
    siblings.set(object.metadata.name, object)
    this.#byInstance.set(instance, siblings)
  }

  #remove(object: T): void {
    const instance = instanceOf(object)
    const siblings = instance === undefined ? undefined : this.#byInstance.get(instance)
    if (instance === undefined || siblings === undefined) return
    siblings.delete(object.metadata.name)
    if (siblings.size === 0) this.#byInstance.delete(instance)
  }
}

function instanceOf({ metadata }: KubernetesObject): string | undefined {
  const name = metadata.labels?.[instanceLabel]
  return name === undefined ? undefined : keyOf({ metadata: { ...metadata, name } })
}
