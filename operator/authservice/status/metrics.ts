import { Gauge, type Registry } from 'prom-client'
import type { RolloutOutcome, RolloutPhase } from '../rollout/decide/phases.ts'
import { RolloutMetrics } from './rollout-metrics.ts'
import type { SecretAge } from './secret-ages.ts'

/** Input of the metrics of one AuthService. */
export interface ObservedAuthService {
  namespace: string
  name: string
  environment: string
  version: string
  strategy: string
  ready: boolean
  /** Open items of the production checklist. */
  openChecklistItems: number
  /**
   * When the current signing key was created, and when the next one becomes active; undefined if no rotation is
   * scheduled.
   */
  signingKey: { createdAt: Date | undefined; nextRotationAt: Date | undefined }
  /** Expiry of the certificate of the edge; undefined if the operator cannot see it. */
  certificateExpiresAt: Date | undefined
  /** undefined: the spec has no backups. */
  backup: { lastScheduledAt: Date | undefined; lastSuccessAt: Date | undefined } | undefined
  /** When each secret was created, as far as the operator knows. */
  secrets: readonly SecretAge[]
  rolloutPhase: RolloutPhase
  /** undefined before the end of the first rollout. */
  lastRolloutOutcome: RolloutOutcome | undefined
}

const subject = ['namespace', 'name'] as const
type Subject = Record<(typeof subject)[number], string>

/** Gauges about the AuthServices, in addition to those of the controller runtime. */
export class AuthServiceMetrics {
  readonly rollouts: RolloutMetrics
  readonly #info: Gauge<'namespace' | 'name' | 'environment' | 'version' | 'strategy'>
  readonly #ready: Gauge<(typeof subject)[number]>
  readonly #openItems: Gauge<(typeof subject)[number]>
  readonly #rotation: Gauge<'namespace' | 'name' | 'state'>
  readonly #secretCreated: Gauge<'namespace' | 'name' | 'secret' | 'key'>
  readonly #certificateExpiry: Gauge<(typeof subject)[number]>
  readonly #backupScheduled: Gauge<(typeof subject)[number]>
  readonly #backupSucceeded: Gauge<(typeof subject)[number]>
  /** Secrets with a series, by AuthService, to remove the series of a key that is gone. */
  readonly #secrets = new Map<string, readonly SecretAge[]>()
  /**
   * The last label values of `authservice_info`: a change of version creates a new series, and the old one must be
   * removed.
   */
  readonly #infoLabels = new Map<string, { environment: string; version: string; strategy: string }>()

  constructor(registry: Registry) {
    this.rollouts = new RolloutMetrics(registry)
    const gauge = <Label extends string>(name: string, help: string, more: readonly Label[]) =>
      new Gauge({ name, help, labelNames: [...subject, ...more], registers: [registry] })
    this.#info = gauge('authservice_info', 'Always 1. Its labels describe the AuthService.', [
      'environment',
      'version',
      'strategy',
    ])
    this.#ready = gauge('authservice_ready', '1 if the condition Ready of an AuthService is True, otherwise 0.', [])
    this.#openItems = gauge(
      'authservice_checklist_open_items',
      'Open items of the production checklist of an AuthService.',
      [],
    )
    this.#rotation = gauge(
      'authservice_secret_rotation_timestamp_seconds',
      'Unix time of the last and of the next rotation of the signing key.',
      ['state'],
    )
    this.#secretCreated = gauge(
      'authservice_secret_created_timestamp_seconds',
      'Unix time at which a secret of an AuthService was created or last rotated.',
      ['secret', 'key'],
    )
    this.#certificateExpiry = gauge(
      'authservice_certificate_expiry_timestamp_seconds',
      'Unix time at which the certificate of the edge expires.',
      [],
    )
    this.#backupScheduled = gauge(
      'authservice_backup_last_schedule_timestamp_seconds',
      'Unix time at which a backup was last scheduled.',
      [],
    )
    this.#backupSucceeded = gauge(
      'authservice_backup_last_success_timestamp_seconds',
      'Unix time at which a backup last succeeded; 0 if never.',
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
    this.rollouts.observeOutcome(of, observed.lastRolloutOutcome)
    this.#observeSecrets(of, observed.secrets)
    this.#openItems.set(of, observed.openChecklistItems)
    setTime(this.#rotation, { ...of, state: 'last' }, signingKey.createdAt)
    setTime(this.#rotation, { ...of, state: 'next' }, signingKey.nextRotationAt)
    setTime(this.#certificateExpiry, of, observed.certificateExpiresAt)
    setTime(this.#backupScheduled, of, backup?.lastScheduledAt)
    setTime(this.#backupSucceeded, of, backup && (backup.lastSuccessAt ?? new Date(0)))
  }

  #observeSecrets(of: Subject, secrets: readonly SecretAge[]): void {
    const subjectKey = `${of.namespace}/${of.name}`
    for (const { secret, key } of this.#secrets.get(subjectKey) ?? [])
      this.#secretCreated.remove({ ...of, secret, key })
    for (const { secret, key, createdAt } of secrets) setTime(this.#secretCreated, { ...of, secret, key }, createdAt)
    this.#secrets.set(subjectKey, secrets)
  }

  /** Removes the series of an AuthService that is gone. */
  forget({ namespace, name }: Subject): void {
    const of = { namespace, name }
    const key = `${namespace}/${name}`
    const labels = this.#infoLabels.get(key)
    if (labels === undefined) return
    this.#infoLabels.delete(key)
    this.#info.remove({ ...of, ...labels })
    this.rollouts.forget(of)
    this.#observeSecrets(of, [])
    this.#secrets.delete(key)
    for (const state of ['last', 'next']) this.#rotation.remove({ ...of, state })
    const plain = [this.#ready, this.#openItems, this.#certificateExpiry, this.#backupScheduled, this.#backupSucceeded]
    for (const gauge of plain) gauge.remove(of)
  }
}

/** An unknown time has no series: 0 would be the year 1970. */
function setTime<Label extends string>(gauge: Gauge<Label>, labels: Record<Label, string>, time: Date | undefined) {
  if (time === undefined) gauge.remove(labels)
  else gauge.set(labels, time.getTime() / 1000)
}
