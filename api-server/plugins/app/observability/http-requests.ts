import { Counter, Histogram, type Registry } from 'prom-client'

/** Of one route and method. */
interface RouteFigures {
  /** By status. */
  answers: Map<number, number>
  /** How many took at most the bound of the same index; each is counted once, in the smallest. The last: longer. */
  buckets: number[]
  seconds: number
  count: number
}

/** Seconds. */
const bounds = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]

/**
 * Counts answers and their times, without what prom-client spends on the labels of each: it finds a label set by sorting
 * and joining it. Here the figures of a route are found by two map look-ups, and prom-client is told at a scrape.
 */
export class HttpRequests {
  readonly #routes = new Map<string, Map<string, RouteFigures>>()

  constructor(registry: Registry) {
    const told = new Counter({
      name: 'http_requests_total',
      help: 'Answers',
      labelNames: ['method', 'route', 'status'],
      registers: [registry],
      collect: () => {
        told.reset()
        for (const [labels, { answers }] of this.#all()) {
          for (const [status, count] of answers) told.inc({ ...labels, status }, count)
        }
      },
    })
    registry.registerMetric(new RequestSeconds(() => this.#all()))
  }

  /** @param route its pattern, never a path @param seconds from the first byte of the request to the last of its answer */
  record(method: string, route: string, status: number, seconds: number): void {
    const figures = this.#figuresOf(method, route)
    figures.answers.set(status, (figures.answers.get(status) ?? 0) + 1)
    const bound = bounds.findIndex((each) => seconds <= each)
    const bucket = bound === -1 ? bounds.length : bound
    figures.buckets[bucket] = (figures.buckets[bucket] ?? 0) + 1
    figures.seconds += seconds
    figures.count++
  }

  #figuresOf(method: string, route: string): RouteFigures {
    const methods = this.#routes.get(route)
    const known = methods?.get(method)
    if (known !== undefined) return known
    const figures = { answers: new Map(), buckets: [...bounds.map(() => 0), 0], seconds: 0, count: 0 }
    if (methods === undefined) this.#routes.set(route, new Map([[method, figures]]))
    else methods.set(method, figures)
    return figures
  }

  *#all(): Generator<[{ method: string; route: string }, RouteFigures]> {
    for (const [route, methods] of this.#routes) {
      for (const [method, figures] of methods) yield [{ method, route }, figures]
    }
  }
}

const name = 'http_request_duration_seconds'
const help = 'From the first byte of a request to the last of its answer'

/** Shows figures that were counted elsewhere, in prom-client's form of a histogram. */
class RequestSeconds extends Histogram<'method' | 'route'> {
  readonly #figures: () => Iterable<[{ method: string; route: string }, RouteFigures]>

  constructor(figures: () => Iterable<[{ method: string; route: string }, RouteFigures]>) {
    super({
      name,
      help,
      labelNames: ['method', 'route'],
      buckets: bounds,
      registers: [],
    })
    this.#figures = figures
  }

  /** What the registry asks a metric for, and `get` builds on. */
  async getForPromString() {
    const samples = [...this.#figures()].flatMap(([labels, figures]) => values(labels, figures))
    return { name, help, type: 'histogram', aggregator: 'sum', values: samples }
  }
}

function values(labels: { method: string; route: string }, { buckets, seconds, count }: RouteFigures) {
  let upTo = 0
  const cumulative = [...bounds, '+Inf'].map((le, index) => {
    upTo += buckets[index] ?? 0
    return { labels: { le, ...labels }, value: upTo, sharedLabels: {}, metricName: `${name}_bucket` }
  })
  return [
    ...cumulative,
    { labels, value: seconds, sharedLabels: {}, metricName: `${name}_sum` },
    { labels, value: count, sharedLabels: {}, metricName: `${name}_count` },
  ]
}
