/**
 * `npm run bench:verify`: how many access tokens the server verifies per second, compared with a bare Fastify server on
 * the same core, and the latency at a fixed rate. Options: `-- --rounds N --seconds N --tokens N --enforce`
 */
import { setTimeout } from 'node:timers/promises'
import type { LoadResult } from '../../tools/load/constant-rate.ts'
import { cpuSecondsOf, residentMegabytesOf } from '../machine.ts'
import { benchOptions, closeReport, openReport } from '../report.ts'
import { median, percent, rounded, spread } from '../statistics.ts'
import { pinToLoadCore } from './cores.ts'
import { Deployment, type HttpServer, startBareFastify } from './deployment.ts'
import { closedLoop, constantRate, verifications } from './generators.ts'

const closedLoopConnections = 64
const fixedRate = { ratePerSecond: 10_000, connections: 1_000, warmUpSeconds: 3 }

const options = benchOptions({ rounds: 5, seconds: 5, tokens: 1_000 })
const printNoise = openReport(
  `Verification of ${options.tokens} access tokens in rotation, ${options.rounds} rounds of ${options.seconds} s.`,
)
const cores = pinToLoadCore()
await using deployment = await Deployment.prepare(cores)
const tokens = await deployment.tokens(options.tokens)
const tokenFile = await deployment.tokenFile(tokens)
const [hello, server] = [await startBareFastify(cores.server), await deployment.startServer()]
try {
  await bench()
} finally {
  await Promise.all([hello.stop(), server.stop()])
}

async function bench(): Promise<void> {
  const rounds = await compareClosedLoops()
  const fixed = await measureFixedRates()
  const ratios = rounds.map(({ ratio }) => ratio)
  const p99s = fixed.map(({ latency }) => latency.p99)
  console.log(`Noise: the ratio has a spread of ${percent(spread(ratios))}, p99 one of ${percent(spread(p99s))}.`)
  printNoise()
  const ratio = median(ratios)
  const p99 = median(p99s)
  const fixedRps = median(fixed.map(({ answersPerSecond }) => answersPerSecond))
  const resident = Math.max(...fixed.map(({ residentMegabytes }) => residentMegabytes))
  closeReport(
    {
      rps: median(rounds.map(({ verify }) => verify.rps)),
      hello_rps: median(rounds.map(({ plain }) => plain.rps)),
      ratio,
      fixed_rate_rps: fixedRps,
      p99_ms_at_fixed_rate: p99,
      connections: fixedRate.connections,
      rss_mb: resident,
      cpu_us: median(rounds.map(({ verify }) => verify.cpuMicros)),
      hello_cpu_us: median(rounds.map(({ plain }) => plain.cpuMicros)),
      cpu_ratio: median(rounds.map(({ cpuRatio }) => cpuRatio)),
    },
    [
      { name: 'verification as a share of bare Fastify', value: ratio, atLeast: 0.3 },
      { name: 'responses/s at the fixed rate', value: fixedRps, atLeast: fixedRate.ratePerSecond * 0.99 },
      { name: `p99 in ms at ${fixedRate.ratePerSecond} requests/s`, value: p99, atMost: 20 },
      { name: 'resident MB under that load', value: resident, atMost: 250 },
    ],
    options.enforce,
  )
}

interface ClosedLoopFigures {
  /** Requests per second. */
  rps: number
  /** CPU time of the server per request, in microseconds. */
  cpuMicros: number
}

interface Comparison {
  plain: ClosedLoopFigures
  verify: ClosedLoopFigures
  ratio: number
  cpuRatio: number
}

/** Measures both servers in turn, so that other load on the machine slows down both. */
async function compareClosedLoops(): Promise<Comparison[]> {
  const measureHello = () => measureClosedLoop(hello, { url: hello.origin })
  const measureVerify = () => measureClosedLoop(server, { url: `${server.origin}/v1/auth/verify`, tokenFile })
  // The first loads warm both servers up.
  await measureHello()
  await measureVerify()
  const rounds: Comparison[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const [plain, verify] = [await measureHello(), await measureVerify()]
    rounds.push({ plain, verify, ratio: verify.rps / plain.rps, cpuRatio: plain.cpuMicros / verify.cpuMicros })
    console.log(
      `closed loop ${round}: hello ${rounded(plain.rps)}/s (${rounded(plain.cpuMicros)} µs of CPU time each), ` +
        `verify ${rounded(verify.rps)}/s (${rounded(verify.cpuMicros)} µs)`,
    )
  }
  return rounds
}

async function measureClosedLoop(
  target: HttpServer,
  load: { url: string; tokenFile?: string },
): Promise<ClosedLoopFigures> {
  const before = cpuSecondsOf(target.pid)
  const result = await closedLoop({ ...load, connections: closedLoopConnections, seconds: options.seconds })
  const cpuSeconds = cpuSecondsOf(target.pid) - before
  return { rps: result.requestsPerSecond, cpuMicros: (cpuSeconds / result.requests) * 1e6 }
}

type FixedRateResult = LoadResult & { residentMegabytes: number }

async function measureFixedRates(): Promise<FixedRateResult[]> {
  const results: FixedRateResult[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const result = await measureFixedRate()
    results.push(result)
    console.log(`fixed rate ${round}: ${describe(result)}`)
  }
  return results
}

async function measureFixedRate(): Promise<FixedRateResult> {
  const running = new AbortController()
  const peak = peakMemory(running.signal)
  try {
    const requests = verifications(tokens)
    const durationSeconds = options.seconds * 2
    const result = await constantRate({ origin: server.origin, requests, ...fixedRate, durationSeconds })
    running.abort()
    return { ...result, residentMegabytes: await peak }
  } finally {
    running.abort()
  }
}

/** Samples the server's resident memory until `signal` aborts. @returns the highest sample in MB */
async function peakMemory(signal: AbortSignal): Promise<number> {
  let highest = 0
  while (!signal.aborted) {
    highest = Math.max(highest, residentMegabytesOf(server.pid))
    await setTimeout(250, undefined, { signal }).catch(() => {}) // the load has ended
  }
  return highest
}

function describe({ answersPerSecond, latency, generator, residentMegabytes }: FixedRateResult): string {
  const { p50, p99, max } = latency
  return (
    `${rounded(answersPerSecond)}/s, p50 ${rounded(p50)} ms, p99 ${rounded(p99)} ms, max ${rounded(max)} ms; the generator used ` +
    `${percent(generator.cpuShare)} of its core and was late by ${rounded(generator.lateness.p99)} ms (p99); ` +
    `${rounded(residentMegabytes)} MB resident`
  )
}
