import { randomUUID } from 'node:crypto'
import { KubeError, RequestCanceledError } from './errors.ts'
import type { Log } from './log.ts'
import type { KubeMetrics } from './metrics.ts'
import { splitKey } from './objects.ts'
import { inReconcile } from './reconcile-context.ts'
import { type Backoff, WorkQueue } from './work-queue.ts'

/** Result of a reconcile that did not throw. */
export type Requeue =
  /** Nothing to do until something changes. */
  | { done: true }
  /** Something will change with time alone: reconcile again then. */
  | { requeueAfterMilliseconds: number }

export interface ControllerOptions {
  name: string
  /** @param signal aborts at the deadline: every request of the reconcile must end with it */
  reconcile(key: string, signal: AbortSignal): Promise<Requeue>
  workers: number
  log: Log
  metrics: KubeMetrics
  backoff?: Backoff
  /** A reconcile that takes longer is canceled and retried. */
  deadlineMilliseconds?: number
  /** Time that a running reconcile has to finish after the controller is stopped. */
  graceMilliseconds?: number
}

const defaultDeadlineMilliseconds = 120_000
const defaultGraceMilliseconds = 10_000
/** Delay of the first retry after a conflict: the cache receives the other write within moments. */
const conflictMilliseconds = 50

/** Workers that reconcile the keys of one queue: several keys in parallel, each key by only one worker at a time. */
export class Controller {
  readonly queue: WorkQueue
  readonly #options: ControllerOptions
  readonly #stop = new AbortController()
  readonly #started = new Map<string, number>()
  #workers: Promise<void>[] = []

  constructor(options: ControllerOptions) {
    this.#options = options
    const { name, metrics, backoff } = options
    this.queue = new WorkQueue({
      ...(backoff !== undefined && { backoff }),
      observer: {
        depth: (depth) => metrics.queueDepth.set({ name }, depth),
        added: () => metrics.queueAdds.inc({ name }),
        retried: () => metrics.queueRetries.inc({ name }),
        waited: (seconds) => metrics.queueSeconds.observe({ name }, seconds),
        worked: (seconds) => metrics.workSeconds.observe({ name }, seconds),
      },
    })
    for (const result of ['success', 'error', 'requeue_after']) {
      metrics.reconcileTotal.inc({ controller: name, result }, 0)
    }
    metrics.reconcileErrors.inc({ controller: name }, 0)
    metrics.activeWorkers.set({ controller: name }, 0)
    metrics.maxWorkers.set({ controller: name }, options.workers)
    metrics.queueDepth.set({ name }, 0)
    metrics.queueAdds.inc({ name }, 0)
    metrics.queueRetries.inc({ name }, 0)
    metrics.longestRunning.of(name, () => this.#longestRunningSeconds())
  }

  start(): void {
    this.#workers = Array.from({ length: this.#options.workers }, () => this.#work())
  }

  /** Waits until running reconciles have finished, for at most the grace period. */
  async stop(): Promise<void> {
    this.queue.shutDown()
    const grace = this.#options.graceMilliseconds ?? defaultGraceMilliseconds
    const timer = setTimeout(() => this.#stop.abort(new Error('the operator is shutting down')), grace)
    await Promise.all(this.#workers)
    clearTimeout(timer)
  }

  /** Why the work loop makes no progress; undefined while it does. */
  stuck(): string | undefined {
    const most = 2 * (this.#options.deadlineMilliseconds ?? defaultDeadlineMilliseconds)
    for (const [key, started] of this.#started) {
      const seconds = (performance.now() - started) / 1000
      if (seconds * 1000 > most) return `the reconcile of ${key} has been running for ${Math.round(seconds)} s`
    }
    return undefined
  }

  #longestRunningSeconds(): number {
    return Math.max(0, ...[...this.#started.values()].map((started) => (performance.now() - started) / 1000))
  }

  async #work(): Promise<void> {
    const { name, metrics } = this.#options
    for (;;) {
      const key = await this.queue.take()
      if (key === undefined) return
      metrics.activeWorkers.inc({ controller: name })
      const endTimer = metrics.reconcileSeconds.startTimer({ controller: name })
      this.#started.set(key, performance.now())
      try {
        await this.#reconcileWithDeadline(key)
      } finally {
        this.#started.delete(key)
        endTimer()
        metrics.activeWorkers.dec({ controller: name })
        this.queue.done(key)
      }
    }
  }

  /** One reconcile with its deadline. */
  async #reconcileWithDeadline(key: string): Promise<void> {
    const milliseconds = this.#options.deadlineMilliseconds ?? defaultDeadlineMilliseconds
    // AbortSignal.timeout would keep its timer until the deadline, even for reconciles that ended long before.
    const deadline = new AbortController()
    const timer = setTimeout(
      () => deadline.abort(new Error(`the reconcile did not complete within ${milliseconds / 1000} s`)),
      milliseconds,
    )
    try {
      const signal = AbortSignal.any([deadline.signal, this.#stop.signal])
      await inReconcile(identify(this.#options.name, key), () => this.#reconcile(key, signal))
    } finally {
      clearTimeout(timer)
    }
  }

  /** Runs the reconcile and handles its result. Never throws. */
  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const started = performance.now()
    try {
      const requeue = await this.#options.reconcile(key, signal)
      this.#requeue(key, requeue)
      this.#options.log.debug({ ...requeue, seconds: (performance.now() - started) / 1000 }, 'reconciled')
    } catch (error) {
      this.#retry(key, signal.aborted ? whyAborted(signal, error) : error)
    }
  }

  #requeue(key: string, requeue: Requeue): void {
    const { name: controller, metrics } = this.#options
    this.queue.forget(key)
    if ('requeueAfterMilliseconds' in requeue) {
      metrics.reconcileTotal.inc({ controller, result: 'requeue_after' })
      this.queue.addAfter(key, requeue.requeueAfterMilliseconds)
    } else {
      metrics.reconcileTotal.inc({ controller, result: 'success' })
    }
  }

  #retry(key: string, error: unknown): void {
    const { name: controller, metrics, log } = this.#options
    metrics.reconcileTotal.inc({ controller, result: 'error' })
    metrics.reconcileErrors.inc({ controller })
    const retryAfter = error instanceof KubeError ? error.retryAfterSeconds : undefined
    if (error instanceof KubeError && error.status === 409) {
      log.debug({ err: error, key, failures: this.queue.failures(key) }, 'conflict: reconciling again')
      this.queue.addRateLimited(key, conflictMilliseconds)
    } else if (retryAfter !== undefined) {
      log.warn({ err: error, key, retryAfter }, 'the API server throttles requests')
      this.queue.addRateLimited(key, retryAfter * 1000)
    } else {
      this.queue.addRateLimited(key)
      log.warn({ err: error, key, failures: this.queue.failures(key) }, 'reconcile failed: retrying')
    }
  }
}

/** The error of a canceled request names the request and the deadline; any other error is a consequence of it. */
function whyAborted({ reason }: AbortSignal, error: unknown): unknown {
  return error instanceof RequestCanceledError ? error : new Error(reason.message, { cause: error })
}

function identify(controller: string, key: string) {
  const { namespace, name } = splitKey(key)
  return { controller, reconcileID: randomUUID(), ...(namespace !== undefined && { namespace }), name }
}
