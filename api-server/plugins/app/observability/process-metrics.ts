import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client'

/** For a timer that never fires: the longest that one may run, in milliseconds. */
const never = 2 ** 31 - 1

const nanoseconds = 1e9

/** What the event loop's delay is told by, by the names that dashboards for prom-client know. */
const figures = {
  nodejs_eventloop_lag_seconds: ['Mean delay of the event loop', 'mean'],
  nodejs_eventloop_lag_max_seconds: ['Longest delay of the event loop', 'max'],
  nodejs_eventloop_lag_mean_seconds: ['Mean delay of the event loop', 'mean'],
  nodejs_eventloop_lag_p50_seconds: ['Median delay of the event loop', 50],
  nodejs_eventloop_lag_p90_seconds: ['90th percentile of the delay of the event loop', 90],
  nodejs_eventloop_lag_p99_seconds: ['99th percentile of the delay of the event loop', 99],
} as const

/**
 * Memory, processor time, garbage collections and the rest that prom-client tells of a process, and how late its event
 * loop is, in seconds since the last scrape.
 *
 * prom-client measures the loop by a timer each 10 ms. That wakes a process that has nothing to do a hundred times a
 * second, which takes 4 % of a processor on a virtual machine, and adds 10 ms to every figure. Here each turn of the loop
 * is measured, and none is made for it.
 * @see https://nodejs.org/api/perf_hooks.html#perf_hooksmonitoreventloopdelayoptions
 */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: never })
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name)
  }
  // Newer than its type: Node 24.21 has it.
  const options: { resolution?: number } & { samplePerIteration: boolean } = { samplePerIteration: true }
  const delay = monitorEventLoopDelay(options)
  delay.enable()
  const gauges = Object.entries(figures).map(([name, [help, figure]], index) => {
    const read = () => (typeof figure === 'number' ? delay.percentile(figure) : delay[figure]) / nanoseconds
    // The first one reads for all: they are of one moment.
    const gauge = new Gauge({ name, help, registers: [registry], ...(index === 0 && { collect: readAll }) })
    return { gauge, read }
  })
  function readAll() {
    // No turn of the loop since the last scrape: nothing was late.
    for (const { gauge, read } of gauges) gauge.set(delay.count === 0 ? 0 : read())
    delay.reset()
  }
}
