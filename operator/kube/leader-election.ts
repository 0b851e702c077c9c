import { randomUUID } from 'node:crypto'
import type { KubeClient } from './client.ts'
import { isConflict, isNotFound, KubeError } from './errors.ts'
import type { Log } from './log.ts'
import { microTime, type ObjectMeta, type Resource } from './objects.ts'
import { wait } from './wait.ts'

const leases: Resource = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true }

/** @see https://kubernetes.io/docs/concepts/architecture/leases/ */
export interface Lease {
  apiVersion: 'coordination.k8s.io/v1'
  kind: 'Lease'
  metadata: ObjectMeta
  spec: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

/** Defaults of client-go. */
export const defaultTiming = { leaseSeconds: 15, renewDeadlineSeconds: 10, retrySeconds: 2 }

/** The last observed lease, with the local time at which it changed: the clocks of machines differ. */
export interface Observation {
  record: string
  holder: string
  leaseSeconds: number
  /** Milliseconds of the local monotonic clock. */
  changedAt: number
}

/** The record after an observation of the lease: its time changes only if the lease has changed. */
export function observe(lease: Lease, before: Observation | undefined, now: number): Observation {
  const record = JSON.stringify(lease.spec)
  if (before?.record === record) return before
  const { holderIdentity = '', leaseDurationSeconds = defaultTiming.leaseSeconds } = lease.spec
  return { record, holder: holderIdentity, leaseSeconds: leaseDurationSeconds, changedAt: now }
}

/** Whether `identity` may acquire or keep the lease. */
export function mayHold({ holder, leaseSeconds, changedAt }: Observation, identity: string, now: number): boolean {
  return holder === '' || holder === identity || now - changedAt >= leaseSeconds * 1000
}

export interface LeaderElectionOptions {
  client: KubeClient
  namespace: string
  name: string
  /** Names this process; unique among the candidates. */
  identity?: string
  timing?: typeof defaultTiming
  log: Log
  onChange?: (leading: boolean) => void
}

/**
 * Leads while it holds a Lease, with the semantics of client-go.
 * @see https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 */
export class LeaderElection {
  readonly identity: string
  readonly #options: LeaderElectionOptions
  readonly #timing: typeof defaultTiming
  readonly #stop = new AbortController()
  #observation: Observation | undefined
  #leading = false
  /** The last request for the lease, which may still be in progress. */
  #attempt: Promise<boolean> = Promise.resolve(false)

  constructor(options: LeaderElectionOptions) {
    this.#options = options
    this.#timing = options.timing ?? defaultTiming
    this.identity = `${options.identity ?? 'operator'}_${randomUUID()}`
  }

  get isLeading(): boolean {
    return this.#leading
  }

  /**
   * Resolves when this process becomes the leader. `lost` of the result resolves when it is no longer the leader: it
   * must then exit immediately, because another process may already lead.
   */
  async acquire(): Promise<{ lost: Promise<string> }> {
    const { log, name, onChange } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        if (await this.#tryHold()) {
          if (this.#stop.signal.aborted) break // `release` releases it
          this.#leading = true
          onChange?.(true)
          log.info({ lease: name, identity: this.identity }, 'became the leader')
          return { lost: this.#keep() }
        }
      } catch (error) {
        log.warn({ err: error, lease: name }, 'the lease cannot be requested')
      }
      await this.#pause()
    }
    throw new Error('the election was stopped')
  }

  /** Releases the lease, so that another process can lead immediately. @throws if the API server rejects the release */
  async release(): Promise<void> {
    this.#stop.abort()
    // A renewal in progress would conflict with this write, or acquire the lease again after it.
    const holds = await this.#attempt.catch(() => false)
    if (!this.#leading && !holds) return
    this.#attempt = Promise.resolve(false)
    this.#leading = false
    this.#options.onChange?.(false)
    const { client, namespace, name } = this.#options
    const lease = await client.get<Lease>(leases, namespace, name)
    if (lease.spec.holderIdentity !== this.identity) return
    await client.update(leases, {
      ...lease,
      spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(new Date()) },
    })
  }

  /** Renews until renewal has failed for longer than the deadline. @returns why this process no longer leads */
  async #keep(): Promise<string> {
    const { log, name, onChange } = this.#options
    let renewedAt = performance.now()
    for (;;) {
      await this.#pause()
      if (this.#stop.signal.aborted) return 'released the lease'
      const left = renewedAt + this.#timing.renewDeadlineSeconds * 1000 - performance.now()
      const failure = await this.#tryHoldWithin(Math.max(left, 1))
      if (this.#stop.signal.aborted) return 'released the lease'
      if (failure === undefined) {
        renewedAt = performance.now()
        continue
      }
      const isOver = failure === 'taken' || performance.now() - renewedAt >= this.#timing.renewDeadlineSeconds * 1000
      if (!isOver) continue
      this.#leading = false
      onChange?.(false)
      const reason =
        failure === 'taken'
          ? `lease ${name} is held by ${this.#observation?.holder}`
          : `lease ${name} could not be renewed for ${this.#timing.renewDeadlineSeconds} s: ${failure}`
      log.error({ lease: name, reason }, 'no longer the leader')
      return reason
    }
  }

  /** @returns undefined if the lease is held, otherwise the reason */
  async #tryHoldWithin(milliseconds: number): Promise<string | undefined> {
    const expired = Promise.withResolvers<string>()
    const timer = setTimeout(() => expired.resolve('no answer'), milliseconds)
    try {
      const attempt = this.#tryHold().then(
        (held) => (held ? undefined : 'taken'),
        (error: Error) => error.message,
      )
      return await Promise.race([attempt, expired.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** @returns whether this process holds the lease now */
  #tryHold(): Promise<boolean> {
    this.#attempt = this.#takeOrRenew()
    return this.#attempt
  }

  async #takeOrRenew(): Promise<boolean> {
    const { client, namespace, name } = this.#options
    let lease: Lease
    try {
      lease = await client.get<Lease>(leases, namespace, name)
    } catch (error) {
      if (!isNotFound(error)) throw error
      return this.#create()
    }
    const now = performance.now()
    this.#observation = observe(lease, this.#observation, now)
    if (!mayHold(this.#observation, this.identity, now)) return false
    const isOurs = this.#observation.holder === this.identity
    const { acquireTime, leaseTransitions = 0 } = lease.spec
    const time = microTime(new Date())
    try {
      const written = await client.update<Lease>(leases, {
        ...lease,
        spec: {
          holderIdentity: this.identity,
          leaseDurationSeconds: this.#timing.leaseSeconds,
          acquireTime: isOurs ? (acquireTime ?? time) : time,
          renewTime: time,
          leaseTransitions: isOurs ? leaseTransitions : leaseTransitions + 1,
        },
      })
      this.#observation = observe(written, this.#observation, performance.now())
      return true
    } catch (error) {
      // Another process was faster. As in client-go, our lease remains ours until a read shows another holder: the
      // other write may have edited another field, and the renewal is retried.
      if (isConflict(error) && !isOurs) return false
      throw error
    }
  }

  async #create(): Promise<boolean> {
    const { client, namespace, name } = this.#options
    const time = microTime(new Date())
    try {
      await client.create<Lease>(leases, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { namespace, name },
        spec: {
          holderIdentity: this.identity,
          leaseDurationSeconds: this.#timing.leaseSeconds,
          acquireTime: time,
          renewTime: time,
          leaseTransitions: 0,
        },
      })
      return true
    } catch (error) {
      if (error instanceof KubeError && error.reason === 'AlreadyExists') return false
      throw error
    }
  }

  #pause(): Promise<void> {
    return wait(this.#timing.retrySeconds * 1000 * (1 + Math.random() / 10), this.#stop.signal)
  }
}
