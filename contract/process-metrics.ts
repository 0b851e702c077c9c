import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client'

/** Interval of a timer that never fires: the maximum, in milliseconds. */
const never = 2 ** 31 - 1

const nanoseconds = 1e9

/** Metrics of the event loop delay, with the names that dashboards for prom-client use. */
const figures = {
  nodejs_eventloop_lag_seconds: ['Mean delay of the event loop', 'mean'],
  nodejs_eventloop_lag_max_seconds: ['Longest delay of the event loop', 'max'],
  nodejs_eventloop_lag_mean_seconds: ['Mean delay of the event loop', 'mean'],
  nodejs_eventloop_lag_p50_seconds: ['Median delay of the event loop', 50],
  nodejs_eventloop_lag_p90_seconds: ['90th percentile of the delay of the event loop', 90],
  nodejs_eventloop_lag_p99_seconds: ['99th percentile of the delay of the event loop', 99],
} as const

/**
 * The process metrics that the operator and the server both expose, and that the dashboard of the server shows: memory,
 * CPU time, garbage collections, the other process metrics of prom-client, and the delay of the event loop in seconds
 * since the last scrape.
 *
 * prom-client measures the event loop with a timer every 10 ms. That wakes an idle process a hundred times a second,
 * which takes 4 % of a processor on a virtual machine, and adds 10 ms to every value. Here, each turn of the event loop
 * is measured, and no turn is caused by the measurement.
 * @see https://nodejs.org/api/perf_hooks.html#perf_hooksmonitoreventloopdelayoptions
 */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: never })
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name)
  }
  // Not in the type yet: Node 24.21 has it.
  const options: { resolution?: number } & { samplePerIteration: boolean } = { samplePerIteration: true }
  const delay = monitorEventLoopDelay(options)
  delay.enable()
  const gauges = Object.entries(figures).map(([name, [help, figure]], index) => {
    const read = () => (typeof figure === 'number' ? delay.percentile(figure) : delay[figure]) / nanoseconds
    // The first gauge reads the values for all of them, so that they are of the same moment.
    const gauge = new Gauge({ name, help, registers: [registry], ...(index === 0 && { collect: readAll }) })
    return { gauge, read }
  })
  function readAll() {
    // No turn of the event loop since the last scrape: there was no delay.
    for (const { gauge, read } of gauges) gauge.set(delay.count === 0 ? 0 : read())
    delay.reset()
  }
}
