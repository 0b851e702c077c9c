import { randomUUID } from 'node:crypto'
import type { KubeClient } from './client.ts'
import { isConflict, isNotFound, KubeError } from './errors.ts'
import type { Log } from './informer.ts'
import type { ObjectMeta, Resource } from './objects.ts'

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

/** client-go's defaults. */
export const defaultTiming = { leaseSeconds: 15, renewDeadlineSeconds: 10, retrySeconds: 2 }

/** A lease as it was last seen, with the local time at which it was seen to change: clocks of machines differ. */
export interface Observation {
  record: string
  holder: string
  leaseSeconds: number
  /** Milliseconds of the local monotonic clock. */
  changedAt: number
}

/** What is remembered after seeing a lease: the time only moves when the record does. */
export function observe(lease: Lease, before: Observation | undefined, now: number): Observation {
  const record = JSON.stringify(lease.spec)
  if (before?.record === record) return before
  const { holderIdentity = '', leaseDurationSeconds = defaultTiming.leaseSeconds } = lease.spec
  return { record, holder: holderIdentity, leaseSeconds: leaseDurationSeconds, changedAt: now }
}

/** Whether `identity` may take the lease or keep it. */
export function mayHold({ holder, leaseSeconds, changedAt }: Observation, identity: string, now: number): boolean {
  return holder === '' || holder === identity || now - changedAt >= leaseSeconds * 1000
}

export interface LeaderElectionOptions {
  client: KubeClient
  namespace: string
  name: string
  /** Names this process; unique among those that stand for election. */
  identity?: string
  timing?: typeof defaultTiming
  log: Log
  onChange?: (leading: boolean) => void
}

/**
 * Leads while it holds a Lease, with client-go's semantics.
 * @see https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 */
export class LeaderElection {
  readonly identity: string
  readonly #options: LeaderElectionOptions
  readonly #timing: typeof defaultTiming
  readonly #stop = new AbortController()
  #observation: Observation | undefined
  #leading = false
  /** The last question about the lease, which may still be on its way. */
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
   * Resolves when this process leads. The returned promise's `lost` resolves when it leads no more: then it must end at
   * once, because another one may lead already.
   */
  async acquire(): Promise<{ lost: Promise<string> }> {
    const { log, name, onChange } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        if (await this.#tryHold()) {
          if (this.#stop.signal.aborted) break // `release` gives it back
          this.#leading = true
          onChange?.(true)
          log.info({ lease: name, identity: this.identity }, 'this process leads')
          return { lost: this.#keep() }
        }
      } catch (error) {
        log.warn({ err: error, lease: name }, 'the lease cannot be asked for')
      }
      await this.#pause()
    }
    throw new Error('the election was stopped')
  }

  /** Gives the lease back, so that another one leads at once. @throws when the API server does not take it */
  async release(): Promise<void> {
    this.#stop.abort()
    // A renewal that is on its way would conflict with what is written here, or take the lease again after it.
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
      spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() },
    })
  }

  /** Renews until that fails for longer than the deadline. @returns why it no longer leads */
  async #keep(): Promise<string> {
    const { log, name, onChange } = this.#options
    let renewedAt = performance.now()
    for (;;) {
      await this.#pause()
      if (this.#stop.signal.aborted) return 'the lease was given back'
      const left = renewedAt + this.#timing.renewDeadlineSeconds * 1000 - performance.now()
      const failure = await this.#tryHoldWithin(Math.max(left, 1))
      if (this.#stop.signal.aborted) return 'the lease was given back'
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
      log.error({ lease: name, reason }, 'this process leads no more')
      return reason
    }
  }

  /** @returns undefined when the lease is held, else why not */
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
    const time = microTime()
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
      if (isConflict(error)) return false // somebody was faster; the next look shows who
      throw error
    }
  }

  async #create(): Promise<boolean> {
    const { client, namespace, name } = this.#options
    const time = microTime()
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
    return new Promise((resolve) => {
      const timer = setTimeout(done, this.#timing.retrySeconds * 1000 * (1 + Math.random() / 10))
      const { signal } = this.#stop
      function done() {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (signal.aborted) done()
      else signal.addEventListener('abort', done)
    })
  }
}

/** Kubernetes' MicroTime. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
