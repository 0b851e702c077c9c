import type { KubeClient } from './client.ts'
import { isNotFound } from './errors.ts'
import type { Log } from './log.ts'
import { type KubernetesObject, microTime, type Resource } from './objects.ts'
import { outsideReconcile } from './reconcile-context.ts'
import { wait } from './wait.ts'

const events: Resource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true }

/** Longest text that the API server accepts. */
const mostNoteBytes = 1024
/** An equal event within this time is counted in the first one instead of being written again. */
const seriesMilliseconds = 6 * 60_000
const mostSeries = 1_000
/** An event that the API server has not accepted within this time is dropped, so that it does not delay the others. */
const writeMilliseconds = 10_000
/** Maximum time for which a stopping operator waits for its events, because it releases its lease afterwards. */
const flushMilliseconds = 5_000
/** Maximum number of events in the queue; further ones are dropped. */
const mostWaiting = 200

export interface NewEvent {
  /** The object that the event is about. */
  regarding: KubernetesObject
  type: 'Normal' | 'Warning'
  /** CamelCase, for programs. */
  reason: string
  /** The action: `Reconcile`, `Create`, … */
  action: string
  /** For people. */
  note: string
}

interface Series {
  name: string
  namespace: string
  count: number
  lastAt: number
}

/**
 * Writes events in the background: `record` returns immediately and never throws. Equal events become one event with a
 * count.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
export class EventRecorder {
  readonly #client: KubeClient
  readonly #controller: string
  readonly #instance: string
  readonly #log: Log
  readonly #series = new Map<string, Series>()
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  /**
   * @param controller reported as the source, such as `auth-operator.dev/authservice` @param instance name of this
   * process
   */
  constructor(client: KubeClient, controller: string, instance: string, log: Log) {
    this.#client = client
    this.#controller = controller
    this.#instance = instance
    this.#log = log
  }

  record(event: NewEvent): void {
    if (this.#waiting >= mostWaiting) {
      this.#log.warn({ reason: event.reason }, 'too many events in the queue: dropping one')
      return
    }
    this.#waiting++
    this.#last = outsideReconcile(() => this.#last.then(() => this.#writeOrLog(event)))
  }

  /** Resolves when all events recorded so far are written, or after five seconds. */
  async flush(): Promise<void> {
    const timeout = new AbortController()
    await Promise.race([this.#last, wait(flushMilliseconds, timeout.signal)])
    timeout.abort()
  }

  async #writeOrLog(event: NewEvent): Promise<void> {
    try {
      await this.#write(event)
    } catch (error) {
      this.#log.warn({ err: error, reason: event.reason }, 'an event could not be written')
    } finally {
      this.#waiting--
    }
  }

  async #write({ regarding, type, reason, action, note }: NewEvent): Promise<void> {
    const { namespace = 'default', name, uid } = regarding.metadata
    const text = cut(note)
    const identity = JSON.stringify([uid, type, reason, text])
    const now = Date.now()
    // The reconcile that records an event does not wait for it, so the deadline of the reconcile does not apply.
    const client = this.#client.withSignal(AbortSignal.timeout(writeMilliseconds))
    const series = this.#series.get(identity)
    if (series !== undefined && now - series.lastAt < seriesMilliseconds && (await this.#repeat(series, now, client)))
      return

    const eventName = `${name}.${now.toString(16)}${Math.floor(Math.random() * 0x10000).toString(16)}`
    const { apiVersion, kind } = regarding
    const object = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      eventTime: microTime(new Date(now)),
      reportingController: this.#controller,
      reportingInstance: this.#instance.slice(0, 128),
      action,
      reason,
      type,
      note: text,
      regarding: { apiVersion, kind, namespace, name, uid },
    }
    await client.create(events, object)
    this.#series.set(identity, { name: eventName, namespace, count: 1, lastAt: now })
    this.#forgetOldest()
  }

  /** @returns false if the event no longer exists: the API server keeps events for an hour */
  async #repeat(series: Series, now: number, client: KubeClient): Promise<boolean> {
    const { name, namespace } = series
    try {
      const change = { series: { count: series.count + 1, lastObservedTime: microTime(new Date(now)) } }
      await client.mergePatch(events, { namespace, name }, change)
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
    series.count++
    series.lastAt = now
    return true
  }

  #forgetOldest(): void {
    if (this.#series.size <= mostSeries) return
    const oldest = this.#series.keys().next()
    if (oldest.done !== true) this.#series.delete(oldest.value)
  }
}

/**
 * Shortens a text that is too long in the middle: the subject of a message is at its beginning, and the cause at its
 * end.
 */
function cut(note: string): string {
  const bytes = Buffer.from(note)
  if (bytes.length <= mostNoteBytes) return note
  const ellipsis = ' … '
  const left = mostNoteBytes - Buffer.byteLength(ellipsis)
  const beginning = Math.floor(left / 3)
  // A character that was cut in two decodes to the replacement character.
  const start = bytes
    .subarray(0, beginning)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')
  const end = bytes
    .subarray(bytes.length - (left - beginning))
    .toString('utf8')
    .replace(/^\uFFFD+/, '')
  return `${start}${ellipsis}${end}`
}
