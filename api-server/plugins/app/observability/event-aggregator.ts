/** One kind of entry and its count in a window. */
export interface AggregatedEvent<Entry> {
  entry: Entry
  /** Time of the first one, in milliseconds since 1970. */
  firstAt: number
  count: number
}

export interface AggregatorOptions<Entry> {
  /** Maximum number of distinct subjects of one kind in a window; all others count as one. */
  maxSubjects(): number
  /** The entry for all other subjects. It contains nothing of any of them. */
  further(entry: Entry): Entry
  /** Number of entries of each subject that are reported at once; 1 by default. */
  maxReported?: number
  /** Called at once for each reported entry, so that the first one is reported without delay. */
  onReport(entry: Entry): void
  /** Called at the end of the window, once for each subject. */
  onEnd(aggregated: AggregatedEvent<Entry>): void
}

/**
 * Counts entries that any client can cause, so that the stored amount depends on time and not on clients: for each
 * kind, a limited number of subjects in a window, each once with its count. A flood of one kind does not displace
 * another kind.
 */
export class EventAggregator<Entry> {
  readonly #options: AggregatorOptions<Entry>
  readonly #kinds = new Map<string, Map<string, AggregatedEvent<Entry>>>()

  constructor(options: AggregatorOptions<Entry>) {
    this.#options = options
  }

  /** @param subject identifies entries that count together */
  add(kind: string, subject: string, entry: Entry, now: number): void {
    const { maxSubjects, further, maxReported = 1, onReport } = this.#options
    const subjects = this.#kinds.get(kind) ?? new Map<string, AggregatedEvent<Entry>>()
    this.#kinds.set(kind, subjects)
    const isFurther = !subjects.has(subject) && subjects.size >= maxSubjects()
    const key = isFurther ? furtherSubjects : subject
    const aggregated = subjects.get(key) ?? { entry: isFurther ? further(entry) : entry, firstAt: now, count: 0 }
    aggregated.count += 1
    subjects.set(key, aggregated)
    if (aggregated.count <= maxReported) onReport(isFurther ? aggregated.entry : entry)
  }

  /** Ends the window. */
  flush(): void {
    const all = [...this.#kinds.values()]
    this.#kinds.clear()
    for (const subjects of all) for (const aggregated of subjects.values()) this.#options.onEnd(aggregated)
  }
}

/** No subject has this name. */
const furtherSubjects = '\0further'
