/**
 * `npm run bench:start`: how long the server takes from its start until it is ready, and how much memory it uses while
 * it idles. Options: `-- --rounds N --seconds N --enforce`
 */
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { cpuSecondsOf, residentMegabytesOf } from '../machine.ts'
import { benchOptions, closeReport, openReport } from '../report.ts'
import { median, percent, rounded, spread } from '../statistics.ts'
import { pinToLoadCore } from './cores.ts'
import { Deployment } from './deployment.ts'

interface Start {
  readyMilliseconds: number
  cpuMilliseconds: number
  idleMegabytes: number
}

const options = benchOptions({ rounds: 7, seconds: 3, tokens: 1_000 })
const printNoise = openReport(
  `The server from its start until /readyz answers 200, then ${options.seconds} s idle; ${options.rounds} rounds. ` +
    'MongoDB and Redis are running, and the migrations are done.',
)
await using deployment = await Deployment.prepare(pinToLoadCore())

const starts: Start[] = []
for (let round = 1; round <= options.rounds; round++) {
  const start = await measureStart()
  starts.push(start)
  console.log(
    `start ${round}: ready after ${rounded(start.readyMilliseconds)} ms and ${rounded(start.cpuMilliseconds)} ms ` +
      `of CPU time, then ${rounded(start.idleMegabytes)} MB resident`,
  )
}

const medianOf = (figure: keyof Start) => median(starts.map((start) => start[figure]))
const ready = medianOf('readyMilliseconds')
const idle = medianOf('idleMegabytes')
const readySpread = spread(starts.map(({ readyMilliseconds }) => readyMilliseconds))
console.log(`Noise: the time until ready has a spread of ${percent(readySpread)}.`)
printNoise()
closeReport(
  { ready_ms: ready, cpu_ms: medianOf('cpuMilliseconds'), rss_idle_mb: idle },
  [
    { name: 'ms until ready', value: ready, atMost: 1_500 },
    { name: 'resident MB when idle', value: idle, atMost: 120 },
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
