/**
 * `npm run bench:start`: how long the server takes from its start until it is ready, and how much memory it holds when
 * nobody asks it anything: as its image has it, by V8's code cache, and compiled. `-- --rounds N --seconds N --enforce`
 */
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { cpuSecondsOf, residentMegabytesOf } from './process-figures.ts'
import { benchOptions, closeReport, openReport } from './report.ts'
import { Deployment } from './servers-under-load.ts'
import { median, rounded, spread } from './statistics.ts'

interface Start {
  readyMilliseconds: number
  cpuMilliseconds: number
  idleMegabytes: number
}

const options = benchOptions({ rounds: 7, seconds: 3, tokens: 1_000 })
const cores = openReport(
  `The server from its start until /readyz says 200, then ${options.seconds} s idle; ${options.rounds} rounds. ` +
    'MongoDB and Redis run, and migrations have been made.',
)
await using deployment = await Deployment.prepare(cores)

const rounds: { cached: Start; compiled: Start }[] = []
for (let round = 1; round <= options.rounds; round++) {
  rounds.push({ cached: await measureStart(), compiled: await deployment.withoutCodeCache(measureStart) })
  for (const [how, start] of Object.entries(rounds.at(-1) ?? {})) {
    console.log(
      `start ${round}, ${how}: ready after ${rounded(start.readyMilliseconds)} ms and ${rounded(start.cpuMilliseconds)} ms ` +
        `of processor time, then ${rounded(start.idleMegabytes)} MB resident`,
    )
  }
}

const of = (figure: keyof Start, how: 'cached' | 'compiled' = 'cached') => rounds.map((round) => round[how][figure])
const ready = of('readyMilliseconds')
console.log(`Noise: the time spread over ${Math.round(spread(ready) * 100)} % of the median.`)
closeReport(
  {
    ready_ms: median(ready),
    cpu_ms: median(of('cpuMilliseconds')),
    rss_idle_mb: median(of('idleMegabytes')),
    ready_ms_compiled: median(of('readyMilliseconds', 'compiled')),
    cpu_ms_compiled: median(of('cpuMilliseconds', 'compiled')),
    rss_idle_mb_compiled: median(of('idleMegabytes', 'compiled')),
    cpu_ratio: median(rounds.map(({ cached, compiled }) => cached.cpuMilliseconds / compiled.cpuMilliseconds)),
  },
  [
    { name: 'ms until ready', value: median(ready), atMost: 1_000 },
    { name: 'resident MB when idle', value: median(of('idleMegabytes')), atMost: 100 },
  ],
  options.enforce,
)

async function measureStart(): Promise<Start> {
  const started = performance.now()
  const server = await deployment.startServer()
  const readyMilliseconds = performance.now() - started
  const cpuMilliseconds = cpuSecondsOf(server.pid) * 1000
  await setTimeout(options.seconds * 1000)
  const idleMegabytes = residentMegabytesOf(server.pid)
  await server.stop()
  return { readyMilliseconds, cpuMilliseconds, idleMegabytes }
}
