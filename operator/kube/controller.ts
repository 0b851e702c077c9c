import { randomUUID } from 'node:crypto'
import { KubeError } from './errors.ts'
import type { Log } from './informer.ts'
import type { KubeMetrics } from './metrics.ts'
import { splitKey } from './objects.ts'
import { inReconcile } from './reconcile-context.ts'
import { type Backoff, WorkQueue } from './work-queue.ts'

/** How a reconcile ended that did not throw. */
export type Outcome =
  /** Nothing to do until something changes. */
  | { done: true }
  /** Time alone will change something: look again then. */
  | { requeueAfterMilliseconds: number }

export interface ControllerOptions {
  name: string
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>
  workers: number
  log: Log
  metrics: KubeMetrics
  backoff?: Backoff
  /** A reconcile that takes longer is given up, and retried. */
  deadlineMilliseconds?: number
}

const defaultDeadlineMilliseconds = 120_000

/** Workers that reconcile the keys of one queue: several keys at a time, one key by one worker at a time. */
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

  /** Lets running reconciles finish. */
  async stop(): Promise<void> {
    this.queue.shutDown()
    this.#stop.abort()
    await Promise.all(this.#workers)
  }

  /** Why the work loop no longer makes progress; undefined while it does. */
  stuck(): string | undefined {
    const most = 2 * (this.#options.deadlineMilliseconds ?? defaultDeadlineMilliseconds)
    for (const [key, started] of this.#started) {
      const seconds = (performance.now() - started) / 1000
      if (seconds * 1000 > most) return `the reconcile of ${key} has not ended for ${Math.round(seconds)} s`
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
        await inReconcile(identify(name, key), () => this.#visit(key))
      } finally {
        this.#started.delete(key)
        endTimer()
        metrics.activeWorkers.dec({ controller: name })
        this.queue.done(key)
      }
    }
  }

  /** One reconcile and what follows from how it ended. Never throws. */
  async #visit(key: string): Promise<void> {
    const started = performance.now()
    try {
      const outcome = await this.#reconcile(key)
      this.#settle(key, outcome)
      this.#options.log.debug({ ...outcome, seconds: (performance.now() - started) / 1000 }, 'reconciled')
    } catch (error) {
      this.#retry(key, error)
    }
  }

  async #reconcile(key: string): Promise<Outcome> {
    const milliseconds = this.#options.deadlineMilliseconds ?? defaultDeadlineMilliseconds
    // AbortSignal.timeout would hold its timer until the deadline, of every visit that ended long before.
    const deadline = new AbortController()
    const timer = setTimeout(
      () => deadline.abort(new DOMException(`no end after ${milliseconds} ms`, 'TimeoutError')),
      milliseconds,
    )
    try {
      return await this.#options.reconcile(key, AbortSignal.any([deadline.signal, this.#stop.signal]))
    } finally {
      clearTimeout(timer)
    }
  }

  #settle(key: string, outcome: Outcome): void {
    const { name: controller, metrics } = this.#options
    this.queue.forget(key)
    if ('requeueAfterMilliseconds' in outcome) {
      metrics.reconcileTotal.inc({ controller, result: 'requeue_after' })
      this.queue.addAfter(key, outcome.requeueAfterMilliseconds)
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
      // Somebody wrote in between: the cache has it in a moment.
      log.debug({ err: error, key }, 'conflict: reconciling again')
      this.queue.addAfter(key, 50)
    } else if (retryAfter !== undefined) {
      log.warn({ err: error, key, retryAfter }, 'the API server asks to wait')
      this.queue.addRateLimited(key, retryAfter * 1000)
    } else {
      this.queue.addRateLimited(key)
      log.warn({ err: error, key, failures: this.queue.failures(key) }, 'reconcile failed: it is retried')
    }
  }
}

function identify(controller: string, key: string) {
  const { namespace, name } = splitKey(key)
  return { controller, reconcileID: randomUUID(), ...(namespace !== undefined && { namespace }), name }
}
