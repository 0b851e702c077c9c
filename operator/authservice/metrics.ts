import { Gauge, type Registry } from 'prom-client'
import { RolloutMetrics } from './rollout/rollout-metrics.ts'
import type { RolloutPhase } from './rollout/world.ts'

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
  /** When the present signing key was made, and when the next one takes over; undefined when nobody plans to. */
  signingKey: { createdAt: Date | undefined; nextRotationAt: Date | undefined }
  /** End of the edge's certificate; undefined when the operator sees none. */
  certificateExpiresAt: Date | undefined
  /** undefined: the spec asks for no backups. */
  backup: { lastScheduledAt: Date | undefined; lastSuccessAt: Date | undefined } | undefined
  rolloutPhase: RolloutPhase
}

const subject = ['namespace', 'name'] as const
type Subject = Record<(typeof subject)[number], string>

/** Gauges about the AuthServices themselves, beside those of the controller runtime. */
export class AuthServiceMetrics {
  readonly rollouts: RolloutMetrics
  readonly #info: Gauge<'namespace' | 'name' | 'environment' | 'version' | 'strategy'>
  readonly #ready: Gauge<(typeof subject)[number]>
  readonly #openItems: Gauge<(typeof subject)[number]>
  readonly #rotation: Gauge<'namespace' | 'name' | 'state'>
  readonly #certificateExpiry: Gauge<(typeof subject)[number]>
  readonly #backupScheduled: Gauge<(typeof subject)[number]>
  readonly #backupSucceeded: Gauge<(typeof subject)[number]>
  /** Label values of `authservice_info` as last set: a change of version makes a new series, and the old one must go. */
  readonly #infoLabels = new Map<string, { environment: string; version: string; strategy: string }>()

  constructor(registry: Registry) {
    this.rollouts = new RolloutMetrics(registry)
    const gauge = <Label extends string>(name: string, help: string, more: readonly Label[]) =>
      new Gauge({ name, help, labelNames: [...subject, ...more], registers: [registry] })
    this.#info = gauge('authservice_info', 'Always 1; its labels say what an AuthService runs.', [
      'environment',
      'version',
      'strategy',
    ])
    this.#ready = gauge('authservice_ready', '1 while the condition Ready of an AuthService is True, else 0.', [])
    this.#openItems = gauge(
      'authservice_checklist_open_items',
      'Items of the production checklist that an AuthService does not meet.',
      [],
    )
    this.#rotation = gauge(
      'authservice_secret_rotation_timestamp_seconds',
      'Unix time of the last and of the next rotation of the signing key.',
      ['state'],
    )
    this.#certificateExpiry = gauge(
      'authservice_certificate_expiry_timestamp_seconds',
      'Unix time at which the certificate of the edge ends.',
      [],
    )
    this.#backupScheduled = gauge(
      'authservice_backup_last_schedule_timestamp_seconds',
      'Unix time at which a backup was last due.',
      [],
    )
    this.#backupSucceeded = gauge(
      'authservice_backup_last_success_timestamp_seconds',
      'Unix time at which a backup last succeeded; 0: never.',
      [],
    )
  }

  observe(observed: ObservedAuthService): void {
    const { namespace, name, environment, version, strategy, signingKey, backup } = observed
    const of = { namespace, name }
    const key = `${namespace}/${name}`
    const before = this.#infoLabels.get(key)
    const labels = { environment, version, strategy }
    if (before !== undefined) this.#info.remove({ ...of, ...before })
    this.#infoLabels.set(key, labels)
    this.#info.set({ ...of, ...labels }, 1)
    this.#ready.set(of, observed.ready ? 1 : 0)
    this.rollouts.observePhase(of, observed.rolloutPhase)
    this.#openItems.set(of, observed.openChecklistItems)
    setTime(this.#rotation, { ...of, state: 'last' }, signingKey.createdAt)
    setTime(this.#rotation, { ...of, state: 'next' }, signingKey.nextRotationAt)
    setTime(this.#certificateExpiry, of, observed.certificateExpiresAt)
    setTime(this.#backupScheduled, of, backup?.lastScheduledAt)
    setTime(this.#backupSucceeded, of, backup && (backup.lastSuccessAt ?? new Date(0)))
  }

  /** An AuthService is gone: so are its series. */
  forget({ namespace, name }: Subject): void {
    const of = { namespace, name }
    const key = `${namespace}/${name}`
    const labels = this.#infoLabels.get(key)
    if (labels === undefined) return
    this.#infoLabels.delete(key)
    this.#info.remove({ ...of, ...labels })
    this.rollouts.forget(of)
    for (const state of ['last', 'next']) this.#rotation.remove({ ...of, state })
    const plain = [this.#ready, this.#openItems, this.#certificateExpiry, this.#backupScheduled, this.#backupSucceeded]
    for (const gauge of plain) gauge.remove(of)
  }
}

/** A time that is not known has no series: 0 would be the year 1970. */
function setTime<Label extends string>(gauge: Gauge<Label>, labels: Record<Label, string>, time: Date | undefined) {
  if (time === undefined) gauge.remove(labels)
  else gauge.set(labels, time.getTime() / 1000)
}
