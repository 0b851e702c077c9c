import type { Informer } from '../../../kube/informer.ts'
import { type KubernetesObject, keyOf, type ObjectKey, splitKey } from '../../../kube/objects.ts'
import type { AuthServiceKey } from '../../model/auth-service-key.ts'
import { secrets } from '../../model/kinds.ts'
import { createInformers, type InformerSettings } from './informers.ts'
import type { Notify } from './owned-cache.ts'
import { ReferenceIndex } from './reference-index.ts'

/** The Secrets that AuthServices and AuthClients depend on, and that are no children. The watch only detects that one of them has changed; it never receives the content. */
export class SecretWatch {
  readonly informers: readonly Informer<KubernetesObject>[]
  readonly #references = new ReferenceIndex()
  readonly #ofClients = new ReferenceIndex()
  #notifyClient: (client: ObjectKey) => void = () => {}

  constructor(settings: InformerSettings, notify: Notify) {
    const notifyReferrers = (secret: KubernetesObject) => {
      for (const key of this.#references.referrersOf(keyOf(secret))) {
        const { namespace, name } = splitKey(key)
        if (namespace !== undefined) notify({ namespace, name }, 'soon')
      }
      for (const client of this.#ofClients.referrersOf(keyOf(secret))) this.#notifyClient(client)
    }
    this.informers = createInformers<KubernetesObject>(settings, secrets, {
      isMetadataOnly: true,
      admission: () => ({
        admits: (secret) => this.#isReferenced(keyOf(secret)),
        isGone: notifyReferrers,
      }),
      transform: withVersionOnly,
    })
    for (const informer of this.informers) informer.onChange(({ object }) => notifyReferrers(object))
  }

  /** Sets which Secrets the spec of an AuthService names, all of them in its namespace. */
  expect({ namespace, name }: AuthServiceKey, secretNames: readonly string[]): void {
    const keys = secretNames.map((secret) => keyOf({ metadata: { namespace, name: secret } }))
    this.#references.set(keyOf({ metadata: { namespace, name } }), keys)
  }

  /** Sets which Secret an AuthClient depends on, in its namespace. undefined: none. */
  expectOfClient(client: ObjectKey, secretName: string | undefined): void {
    const { namespace = '' } = splitKey(client)
    this.#ofClients.set(client, secretName === undefined ? [] : [keyOf({ metadata: { namespace, name: secretName } })])
  }

  /** Calls back with the AuthClient to reconcile when its Secret changes. */
  onClientChange(notify: (client: ObjectKey) => void): void {
    this.#notifyClient = notify
  }

  #isReferenced(secret: ObjectKey): boolean {
    return [this.#references, this.#ofClients].some((index) => index.referrersOf(secret).length > 0)
  }
}

function withVersionOnly({ metadata: { name, namespace, uid, resourceVersion } }: KubernetesObject): KubernetesObject {
  return {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
  }
}
