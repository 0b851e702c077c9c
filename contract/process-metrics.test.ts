import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** @returns the output of a program that begins with the metrics of a process in `registry` */
async function run(program: string): Promise<string> {
  const modules = ['prom-client', './process-metrics.ts'].map((name) => import.meta.resolve(name))
  const beginning = `
    import prom from '${modules[0]}'
    import { collectProcessMetrics } from '${modules[1]}'
    const registry = new prom.Registry()
    collectProcessMetrics(registry)
    const after = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
    const valueOf = async (name) => (await registry.getSingleMetric(name).get()).values[0].value
  `
  const node = process.execPath
  const { stdout } = await promisify(execFile)(node, ['--input-type=module', '--eval', beginning + program])
  return stdout
}

test('an idle process is not woken by its own measurement', async () => {
  const turns = await run(`
    const { uvMetricsInfo: before } = performance.nodeTiming
    await after(1_000)
    console.log(performance.nodeTiming.uvMetricsInfo.loopCount - before.loopCount)
  `)
  expect(Number(turns)).toBeLessThan(20)
})

test('a blocked event loop is reported once', async () => {
  const seconds = await run(`
    await after(20)
    for (const until = performance.now() + 150; performance.now() < until; );
    await after(20)
    const names = ['nodejs_eventloop_lag_seconds', 'nodejs_eventloop_lag_max_seconds', 'nodejs_eventloop_lag_p99_seconds']
    await registry.metrics()
    const of = async () => [await valueOf(names[1]), await valueOf(names[2])]
    const first = await of()
    await registry.metrics()
    console.log(JSON.stringify([first, await of()]))
  `)
  const [held, then]: [[number, number], [number, number]] = JSON.parse(seconds)
  for (const value of held) expect(value).toBeGreaterThan(0.14)
  for (const value of then) expect(value).toBeLessThan(0.1)
})

test('the names are those of prom-client, and include memory and CPU time', async () => {
  const text = await run('console.log(await registry.metrics())')
  const lags = ['', '_max', '_mean', '_p50', '_p90', '_p99'].map((which) => `nodejs_eventloop_lag${which}_seconds`)
  for (const name of [...lags, 'process_resident_memory_bytes', 'process_cpu_seconds_total']) {
    expect(text).toMatch(new RegExp(`^${name} [0-9.e+-]+$`, 'm'))
  }
})
