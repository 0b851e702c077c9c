import { Gauge, type Registry } from 'prom-client'

/** What the metrics of one AuthService are made from. */
export interface ObservedAuthService {
  namespace: string
  name: string
  environment: string
  version: string
  strategy: string
  ready: boolean
  /** Items of the production checklist that are not met. */
  openChecklistItems: number
  /** When the present signing key was made, and when the next one is due; undefined when nobody plans to. */
  signingKey: { createdAt: Date | undefined; nextRotationAt: Date | undefined }
}

const subject = ['namespace', 'name'] as const

/** Gauges about the AuthServices themselves, beside those of the controller runtime. */
export class AuthServiceMetrics {
  readonly #info: Gauge<'namespace' | 'name' | 'environment' | 'version' | 'strategy'>
  readonly #ready: Gauge<(typeof subject)[number]>
  readonly #openItems: Gauge<(typeof subject)[number]>
  readonly #rotation: Gauge<'namespace' | 'name' | 'state'>
  /** Label values of `authservice_info` as last set: a change of version makes a new series, and the old one must go. */
  readonly #infoLabels = new Map<string, { environment: string; version: string; strategy: string }>()

  constructor(registry: Registry) {
    const registers = [registry]
    this.#info = new Gauge({
      name: 'authservice_info',
      help: 'Always 1; its labels say what an AuthService runs.',
      labelNames: [...subject, 'environment', 'version', 'strategy'],
      registers,
    })
    this.#ready = new Gauge({
      name: 'authservice_ready',
      help: '1 while the condition Ready of an AuthService is True, else 0.',
      labelNames: subject,
      registers,
    })
    this.#openItems = new Gauge({
      name: 'authservice_checklist_open_items',
      help: 'Items of the production checklist that an AuthService does not meet.',
      labelNames: subject,
      registers,
    })
    this.#rotation = new Gauge({
      name: 'authservice_secret_rotation_timestamp_seconds',
      help: 'Unix time of the last and of the next rotation of the signing key.',
      labelNames: [...subject, 'state'],
      registers,
    })
  }

  observe(observed: ObservedAuthService): void {
    const { namespace, name, environment, version, strategy, signingKey } = observed
    const key = `${namespace}/${name}`
    const before = this.#infoLabels.get(key)
    const labels = { environment, version, strategy }
    if (before !== undefined) this.#info.remove({ namespace, name, ...before })
    this.#infoLabels.set(key, labels)
    this.#info.set({ namespace, name, ...labels }, 1)
    this.#ready.set({ namespace, name }, observed.ready ? 1 : 0)
    this.#openItems.set({ namespace, name }, observed.openChecklistItems)
    this.#setTime({ namespace, name, state: 'last' }, signingKey.createdAt)
    this.#setTime({ namespace, name, state: 'next' }, signingKey.nextRotationAt)
  }

  /** An AuthService is gone: so are its series. */
  forget({ namespace, name }: { namespace: string; name: string }): void {
    const key = `${namespace}/${name}`
    const labels = this.#infoLabels.get(key)
    if (labels === undefined) return
    this.#infoLabels.delete(key)
    this.#info.remove({ namespace, name, ...labels })
    this.#ready.remove({ namespace, name })
    this.#openItems.remove({ namespace, name })
    for (const state of ['last', 'next']) this.#rotation.remove({ namespace, name, state })
  }

  #setTime(labels: { namespace: string; name: string; state: 'last' | 'next' }, time: Date | undefined): void {
    if (time === undefined) this.#rotation.remove(labels)
    else this.#rotation.set(labels, time.getTime() / 1000)
  }
}
