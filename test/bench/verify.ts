/**
 * `npm run bench:verify`: how fast access tokens are verified, beside a bare Fastify on the same core, and how long that
 * takes at a fixed rate. `-- --rounds N --seconds N --tokens N --enforce`
 */
import { setTimeout } from 'node:timers/promises'
import type { LoadResult } from '../load/constant-rate.ts'
import type { ServerProcess } from '../servers/server-process.ts'
import { closedLoop, constantRate } from './generators.ts'
import { cpuSecondsOf, residentMegabytesOf } from './process-figures.ts'
import { benchOptions, closeReport, openReport } from './report.ts'
import { Deployment, startHello } from './servers-under-load.ts'
import { median, rounded, spread } from './statistics.ts'

type Server = ServerProcess & { origin: string }

const closedLoopConnections = 64
const fixedRate = { ratePerSecond: 10_000, connections: 1_000, warmUpSeconds: 3 }

const options = benchOptions({ rounds: 5, seconds: 5, tokens: 1_000 })
const cores = openReport(
  `Verification of ${options.tokens} access tokens in rotation, ${options.rounds} rounds of ${options.seconds} s.`,
)
await using deployment = await Deployment.prepare(cores)
const tokens = await deployment.tokens(options.tokens)
const tokenFile = await deployment.tokenFile(tokens)
const [hello, server] = [await startHello(cores), await deployment.startServer()]
try {
  await bench()
} finally {
  await Promise.all([hello.stop(), server.stop()])
}

async function bench(): Promise<void> {
  const measureHello = () => measure(hello, { url: hello.origin })
  const measureVerify = () => measure(server, { url: `${server.origin}/v1/auth/verify`, tokenFile })
  await measureHello()
  await measureVerify()

  const rounds = []
  for (let round = 1; round <= options.rounds; round++) {
    const [plain, verify] = [await measureHello(), await measureVerify()]
    rounds.push({ plain, verify, ratio: verify.rps / plain.rps, cpuRatio: plain.cpuMicros / verify.cpuMicros })
    console.log(
      `closed loop ${round}: hello ${rounded(plain.rps)}/s (${rounded(plain.cpuMicros)} µs of processor each), ` +
        `verify ${rounded(verify.rps)}/s (${rounded(verify.cpuMicros)} µs)`,
    )
  }
  const fixed = []
  for (let round = 1; round <= options.rounds; round++) {
    const result = await measureFixedRate()
    fixed.push(result)
    console.log(`fixed rate ${round}: ${describe(result)}, ${rounded(result.residentMegabytes)} MB resident`)
  }

  const ratios = rounds.map(({ ratio }) => ratio)
  const p99s = fixed.map(({ latency }) => latency.p99)
  console.log(
    `Noise: the ratio spread over ${percent(spread(ratios))}, p99 over ${percent(spread(p99s))} of the median.`,
  )
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
      { name: 'verify as a share of hello', value: ratio, atLeast: 0.5 },
      { name: 'answers/s at the fixed rate', value: fixedRps, atLeast: fixedRate.ratePerSecond * 0.99 },
      { name: `p99 in ms at ${fixedRate.ratePerSecond} requests/s`, value: p99, atMost: 20 },
      { name: 'resident MB under that load', value: resident, atMost: 250 },
    ],
    options.enforce,
  )
}

async function measure(
  target: Server,
  load: { url: string; tokenFile?: string },
): Promise<{ rps: number; cpuMicros: number }> {
  const before = cpuSecondsOf(target.pid)
  const result = await closedLoop({ ...load, connections: closedLoopConnections, seconds: options.seconds })
  const cpuSeconds = cpuSecondsOf(target.pid) - before
  return { rps: result.requestsPerSecond, cpuMicros: (cpuSeconds / result.requests) * 1e6 }
}

async function measureFixedRate(): Promise<LoadResult & { residentMegabytes: number }> {
  const running = new AbortController()
  const watched = watchMemory(running.signal)
  try {
    const result = await constantRate({
      origin: server.origin,
      requests: tokens.map((token) => ({
        method: 'GET',
        path: '/v1/auth/verify',
        headers: { authorization: `Bearer ${token}` },
      })),
      ...fixedRate,
      durationSeconds: options.seconds * 2,
    })
    running.abort()
    return { ...result, residentMegabytes: await watched }
  } finally {
    running.abort()
  }
}

/** @returns the most that was resident at any of the looks */
async function watchMemory(signal: AbortSignal): Promise<number> {
  let most = 0
  while (!signal.aborted) {
    most = Math.max(most, residentMegabytesOf(server.pid))
    await setTimeout(250, undefined, { signal }).catch(() => {}) // the end of the load
  }
  return most
}

function describe({ answersPerSecond, latency, generator }: LoadResult): string {
  const { p50, p99, max } = latency
  return (
    `${rounded(answersPerSecond)}/s, p50 ${rounded(p50)} ms, p99 ${rounded(p99)} ms, max ${rounded(max)} ms; the generator used ` +
    `${percent(generator.cpuShare)} of its core and was late by ${rounded(generator.lateness.p99)} ms (p99)`
  )
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
