/**
 * `npm run bench:start`: how long the server takes from its start until it is ready, and how much memory it holds when
 * nobody asks it anything. `-- --rounds N --seconds N --enforce`
 */
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { residentMegabytesOf } from './process-figures.ts'
import { benchOptions, closeReport, openReport } from './report.ts'
import { Deployment } from './servers-under-load.ts'
import { median, rounded, spread } from './statistics.ts'

const options = benchOptions({ rounds: 7, seconds: 3, tokens: 1_000 })
const cores = openReport(
  `The server from its start until /readyz says 200, then ${options.seconds} s idle; ${options.rounds} rounds. ` +
    'MongoDB and Redis run, and migrations have been made.',
)
await using deployment = await Deployment.prepare(cores)

const rounds = []
for (let round = 1; round <= options.rounds; round++) {
  const started = performance.now()
  const server = await deployment.startServer()
  const readyMilliseconds = performance.now() - started
  await setTimeout(options.seconds * 1000)
  const idleMegabytes = residentMegabytesOf(server.pid)
  await server.stop()
  rounds.push({ readyMilliseconds, idleMegabytes })
  console.log(
    `start ${round}: ready after ${rounded(readyMilliseconds)} ms, then ${rounded(idleMegabytes)} MB resident`,
  )
}

const ready = rounds.map(({ readyMilliseconds }) => readyMilliseconds)
const idle = rounds.map(({ idleMegabytes }) => idleMegabytes)
console.log(`Noise: the time spread over ${Math.round(spread(ready) * 100)} % of the median.`)
closeReport(
  { ready_ms: median(ready), rss_idle_mb: median(idle) },
  [
    { name: 'ms until ready', value: median(ready), atMost: 1_000 },
    { name: 'resident MB when idle', value: median(idle), atMost: 100 },
  ],
  options.enforce,
)
