import type { KubeClient } from './client.ts'
import { isNotFound } from './errors.ts'
import type { Log } from './informer.ts'
import type { KubernetesObject, Resource } from './objects.ts'

const events: Resource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true }

/** The API server refuses longer ones. */
const mostNoteBytes = 1024
/** The same event again within so long is counted in the first one instead of written as another. */
const seriesMilliseconds = 6 * 60_000
const mostSeries = 1_000
/** Events that wait for the API server; further ones are dropped, because they tell what has passed. */
const mostWaiting = 200

export interface EventToRecord {
  /** What it is about. */
  regarding: KubernetesObject
  type: 'Normal' | 'Warning'
  /** CamelCase, for programs. */
  reason: string
  /** What was done: `Reconcile`, `Create`, … */
  action: string
  /** For a person. */
  note: string
}

interface Series {
  name: string
  namespace: string
  count: number
  lastAt: number
}

/**
 * Writes events without holding anybody up: `record` returns at once and never throws. Equal events become one with a
 * count. @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
export class EventRecorder {
  readonly #client: KubeClient
  readonly #controller: string
  readonly #instance: string
  readonly #log: Log
  readonly #series = new Map<string, Series>()
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  /** @param controller reported as the source, such as `auth-operator.dev/authservice` @param instance this process */
  constructor(client: KubeClient, controller: string, instance: string, log: Log) {
    this.#client = client
    this.#controller = controller
    this.#instance = instance
    this.#log = log
  }

  record(event: EventToRecord): void {
    if (this.#waiting >= mostWaiting) {
      this.#log.warn({ reason: event.reason }, 'too many events wait: one is dropped')
      return
    }
    this.#waiting++
    this.#last = this.#last.then(async () => {
      try {
        await this.#write(event)
      } catch (error) {
        this.#log.warn({ err: error, reason: event.reason }, 'an event could not be written')
      } finally {
        this.#waiting--
      }
    })
  }

  /** Resolves when all that was recorded so far is written. */
  async flush(): Promise<void> {
    await this.#last
  }

  async #write({ regarding, type, reason, action, note }: EventToRecord): Promise<void> {
    const { namespace = 'default', name, uid } = regarding.metadata
    const text = cut(note)
    const identity = JSON.stringify([uid, type, reason, text])
    const now = Date.now()
    const series = this.#series.get(identity)
    if (series !== undefined && now - series.lastAt < seriesMilliseconds && (await this.#repeat(series, now))) return

    const eventName = `${name}.${now.toString(16)}${Math.floor(Math.random() * 0x10000).toString(16)}`
    const { apiVersion, kind } = regarding
    const object = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      eventTime: microTime(now),
      reportingController: this.#controller,
      reportingInstance: this.#instance.slice(0, 128),
      action,
      reason,
      type,
      note: text,
      regarding: { apiVersion, kind, namespace, name, uid },
    }
    await this.#client.create(events, object)
    this.#series.set(identity, { name: eventName, namespace, count: 1, lastAt: now })
    this.#forgetOldest()
  }

  /** @returns false when the event is gone: events are kept for an hour */
  async #repeat(series: Series, now: number): Promise<boolean> {
    const { name, namespace } = series
    try {
      const change = { series: { count: series.count + 1, lastObservedTime: microTime(now) } }
      await this.#client.mergePatch(events, { namespace, name }, change)
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

function cut(note: string): string {
  const bytes = Buffer.from(note)
  if (bytes.length <= mostNoteBytes) return note
  const ellipsis = '…'
  // A character that was cut in two decodes to the replacement character.
  const kept = bytes.subarray(0, mostNoteBytes - Buffer.byteLength(ellipsis)).toString('utf8')
  return `${kept.replace(/\uFFFD$/, '')}${ellipsis}`
}

function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z')
}
