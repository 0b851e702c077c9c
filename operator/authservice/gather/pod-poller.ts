import { outsideReconcile } from '../../kube/reconcile-context.ts'

/** A pod and its address. */
export interface PodAddress {
  name: string
  address: string
}

/** State of the requests to one pod. */
export interface PollHistory<Report> {
  /** The last answer; undefined: the pod did not answer. */
  report: Report | undefined
  /** Consecutive requests without an answer. */
  silentRounds: number
  /** All requests about the current subject. */
  rounds: number
  hasAnswered: boolean
}

export interface PodPollerOptions<Report> {
  /** Sends one request. @returns undefined if the pod does not answer, or answers something else */
  ask: (pod: PodAddress, subject: string) => Promise<Report | undefined>
  /** Milliseconds until the next request to the pod, before jitter; undefined: no further request. */
  pauseAfter: (history: PollHistory<Report>, subject: string) => number | undefined
  /** The part of a report that stays valid when the subject changes. Default: reports are discarded. */
  keep?: (report: Report) => Report
  /** The part of a report whose change leads to a reconcile; undefined: no part of this report. */
  newsOf: (report: Report) => unknown
  /** Called with the AuthService when its pods report a change. */
  onNews: (key: string) => void
  /** From 0 to 1: jitter for requests about AuthServices that started at the same time. */
  random?: () => number
}

interface Polled<Report> {
  subject: string
  pods: readonly PodAddress[]
  histories: Map<string, PollHistory<Report>>
  /** Time of the next request to each pod, by `performance.now()`. */
  dueAt: Map<string, number>
  timer: NodeJS.Timeout | undefined
}

/** Maximum number of polled pods: any user of the namespace can label their own pods. */
const mostPods = 50

/**
 * Polls the pods of each AuthService, outside of reconciles, for state that no object in the cluster shows. A pod that
 * does not answer does not delay a reconcile, and a changed report leads to one.
 */
export class PodPoller<Report> {
  readonly #options: PodPollerOptions<Report>
  readonly #polled = new Map<string, Polled<Report>>()

  constructor(options: PodPollerOptions<Report>) {
    this.#options = options
  }

  /**
   * The last report of each pod that has one, by name. From now on, these pods are polled, and no others.
   * @param subject subject of the requests: reports about another subject are discarded, unless `keep` is set
   */
  reportsOf(key: string, pods: readonly PodAddress[], subject = ''): ReadonlyMap<string, Report> {
    const asked = pods.slice(0, mostPods)
    const known = this.#polled.get(key)
    const isSameSubject = known?.subject === subject
    if (known !== undefined && isSameSubject && samePods(known.pods, asked)) return reportsIn(known)
    clearTimeout(known?.timer)
    const polled: Polled<Report> = { subject, pods: asked, histories: new Map(), dueAt: new Map(), timer: undefined }
    for (const { name } of asked) {
      const { keep } = this.#options
      const isKept = isSameSubject || keep !== undefined
      const history = isKept ? known?.histories.get(name) : undefined
      const dueAt = isKept ? known?.dueAt.get(name) : undefined
      if (history === undefined) this.#record(polled, name, noHistory)
      else if (isSameSubject) polled.histories.set(name, history)
      else this.#record(polled, name, { ...history, rounds: 0, report: history.report && keep?.(history.report) })
      // Subjects that change often do not postpone a request again and again.
      if (dueAt !== undefined) polled.dueAt.set(name, Math.min(dueAt, polled.dueAt.get(name) ?? dueAt))
    }
    this.#polled.set(key, polled)
    this.#plan(key, polled)
    return reportsIn(polled)
  }

  forget(key: string): void {
    clearTimeout(this.#polled.get(key)?.timer)
    this.#polled.delete(key)
  }

  stop(): void {
    for (const key of [...this.#polled.keys()]) this.forget(key)
  }

  /** Stores the current state of a pod, and the time of its next request. */
  #record({ subject, histories, dueAt }: Polled<Report>, pod: string, history: PollHistory<Report>): void {
    const { pauseAfter, random = Math.random } = this.#options
    const pause = pauseAfter(history, subject)
    histories.set(pod, history)
    if (pause === undefined) dueAt.delete(pod)
    else dueAt.set(pod, performance.now() + pause * (0.5 + random() / 2))
  }

  #plan(key: string, polled: Polled<Report>): void {
    if (polled.dueAt.size === 0) return
    const next = Math.min(...polled.dueAt.values()) - performance.now()
    // The timer outlives the reconcile that starts it.
    polled.timer = outsideReconcile(() => setTimeout(() => void this.#ask(key, polled), Math.max(1, next)))
  }

  async #ask(key: string, polled: Polled<Report>): Promise<void> {
    const now = performance.now() + 1 // timers may fire slightly early
    const due = polled.pods.filter(({ name }) => (polled.dueAt.get(name) ?? Number.POSITIVE_INFINITY) <= now)
    const answers = await Promise.all(
      due.map(async (pod) => [pod.name, await this.#options.ask(pod, polled.subject)] as const),
    )
    if (this.#polled.get(key) !== polled) return // the AuthService now has other pods, or another subject
    const before = this.#newsIn(polled)
    for (const [name, report] of answers) {
      const { rounds, silentRounds, hasAnswered } = polled.histories.get(name) ?? noHistory
      this.#record(polled, name, {
        report,
        rounds: rounds + 1,
        silentRounds: report === undefined ? silentRounds + 1 : 0,
        hasAnswered: hasAnswered || report !== undefined,
      })
    }
    this.#plan(key, polled)
    if (this.#newsIn(polled) !== before) this.#options.onNews(key)
  }

  #newsIn(polled: Polled<Report>): string {
    const news = [...reportsIn(polled)].map(([name, report]) => [name, this.#options.newsOf(report)])
    return JSON.stringify(news.filter(([, one]) => one !== undefined))
  }
}

const noHistory = { report: undefined, rounds: 0, silentRounds: 0, hasAnswered: false }

/** In the order of the pods. */
function reportsIn<Report>({ pods, histories }: Polled<Report>): Map<string, Report> {
  const reports = new Map<string, Report>()
  for (const { name } of pods) {
    const report = histories.get(name)?.report
    if (report !== undefined) reports.set(name, report)
  }
  return reports
}

function samePods(some: readonly PodAddress[], others: readonly PodAddress[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ name, address }, index) => name === others[index]?.name && address === others[index].address)
  )
}
