import type { Informer } from '../../../kube/informer.ts'
import { type KubernetesObject, keyOf, splitKey } from '../../../kube/objects.ts'
import type { AuthServiceKey } from '../../model/auth-service-key.ts'
import { secrets } from '../../model/kinds.ts'
import { createInformers, type InformerSettings } from './informers.ts'
import type { Notify } from './owned-cache.ts'
import { ReferenceIndex } from './reference-index.ts'

/** The Secrets that specs name. The watch only detects that one of them has changed; it never receives the content. */
export class SecretWatch {
  readonly informers: readonly Informer<KubernetesObject>[]
  readonly #references = new ReferenceIndex()

  constructor(settings: InformerSettings, notify: Notify) {
    const notifyReferrers = (secret: KubernetesObject) => {
      for (const key of this.#references.referrersOf(keyOf(secret))) {
        const { namespace, name } = splitKey(key)
        if (namespace !== undefined) notify({ namespace, name }, 'soon')
      }
    }
    this.informers = createInformers<KubernetesObject>(settings, secrets, {
      isMetadataOnly: true,
      admission: () => ({
        admits: (secret) => this.#references.referrersOf(keyOf(secret)).length > 0,
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
