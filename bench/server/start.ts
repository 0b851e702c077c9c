/**
 * `npm run bench:start`: how long the server takes from its start until it is ready, and how much memory it uses while
 * it idles, without and with the OpenID provider. Options: `-- --rounds N --seconds N --enforce`
 */
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import type { ServerEnvironment } from '../../contract/environment.ts'
import { cpuSecondsOf, residentMegabytesOf } from '../machine.ts'
import { benchOptions, closeReport, openReport } from '../report.ts'
import { median, percent, rounded, spread } from '../statistics.ts'
import { pinToLoadCore } from './cores.ts'
import { Deployment } from './deployment.ts'
import { providerSettings } from './oidc-providers.ts'

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
const provider = await providerSettings(deployment, [])

const starts: Start[] = []
const startsOfProvider: Start[] = []
for (let round = 1; round <= options.rounds; round++) {
  starts.push(await measureStart(`start ${round}`))
  startsOfProvider.push(await measureStart(`start ${round}, with the OpenID provider`, provider))
}

const readySpread = spread(starts.map(({ readyMilliseconds }) => readyMilliseconds))
console.log(`Noise: the time until ready has a spread of ${percent(readySpread)}.`)
printNoise()
const [usual, withProvider] = [medianOf(starts), medianOf(startsOfProvider)]
closeReport(
  {
    ready_ms: usual.readyMilliseconds,
    cpu_ms: usual.cpuMilliseconds,
    rss_idle_mb: usual.idleMegabytes,
    provider_ready_ms: withProvider.readyMilliseconds,
    provider_rss_idle_mb: withProvider.idleMegabytes,
  },
  [
    { name: 'ms until ready', value: usual.readyMilliseconds, atMost: 1_500 },
    { name: 'resident MB when idle', value: usual.idleMegabytes, atMost: 120 },
    {
      name: 'MB that the OpenID provider adds',
      value: withProvider.idleMegabytes - usual.idleMegabytes,
      atMost: 20,
    },
  ],
  options.enforce,
)

async function measureStart(what: string, environment: ServerEnvironment = {}): Promise<Start> {
  const started = performance.now()
  const server = await deployment.startServer(environment)
  const readyMilliseconds = performance.now() - started
  const cpuMilliseconds = cpuSecondsOf(server.pid) * 1000
  await setTimeout(options.seconds * 1000)
  const idleMegabytes = residentMegabytesOf(server.pid)
  await server.stop()
  console.log(
    `${what}: ready after ${rounded(readyMilliseconds)} ms and ${rounded(cpuMilliseconds)} ms of CPU time, ` +
      `then ${rounded(idleMegabytes)} MB resident`,
  )
  return { readyMilliseconds, cpuMilliseconds, idleMegabytes }
}

function medianOf(starts: readonly Start[]): Start {
  return {
    readyMilliseconds: median(starts.map((start) => start.readyMilliseconds)),
    cpuMilliseconds: median(starts.map((start) => start.cpuMilliseconds)),
    idleMegabytes: median(starts.map((start) => start.idleMegabytes)),
  }
}
