import { createHistogram } from 'node:perf_hooks'

/** Latencies in milliseconds. */
export interface Percentiles {
  p50: number
  p90: number
  p99: number
  p999: number
  max: number
}

/** Records latencies with three significant digits, in constant memory. */
export class LatencyRecorder {
  /** In microseconds, because a histogram counts integers. */
  readonly #histogram = createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 })

  record(milliseconds: number): void {
    this.#histogram.record(Math.max(1, Math.round(milliseconds * 1000)))
  }

  get count(): number {
    return this.#histogram.count
  }

  /** @returns zeros when nothing was recorded */
  percentiles(): Percentiles {
    const at = (percent: number) =>
      this.#histogram.count === 0 ? 0 : Math.min(this.#histogram.percentile(percent), this.#histogram.max) / 1000
    return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100) }
  }
}
