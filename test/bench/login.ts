/**
 * `npm run bench:login`: how close log-ins come to what bcrypt allows, and what they do to those who verify tokens
 * meanwhile. `-- --rounds N --seconds N --enforce`
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { LoadResult } from '../load/constant-rate.ts'
import { onCore } from './cores.ts'
import { constantRate } from './generators.ts'
import { createUsers, logInUntil } from './log-ins.ts'
import { benchOptions, closeReport, openReport } from './report.ts'
import { Deployment } from './servers-under-load.ts'
import { median, rounded, spread } from './statistics.ts'

/** More than can be hashed at a time, so that none of the server's cores ever waits for a log-in. */
const clients = 8
const verifyRate = { ratePerSecond: 200, connections: 20, warmUpSeconds: 2 }

const options = benchOptions({ rounds: 3, seconds: 15, tokens: 1_000 })
const cores = openReport(
  `Log-ins by ${clients} clients without a pause, beside ${verifyRate.ratePerSecond} verifications/s; ${options.rounds} rounds of ${options.seconds} s.`,
)
const serverCores = cores.server === undefined ? availableParallelism() : 1

await using deployment = await Deployment.prepare(cores)
const tokens = await deployment.tokens(options.tokens)
const emails = await createUsers(deployment.mongoUrl, deployment.database, clients)
const server = await deployment.startServer({ RATE_LIMIT_LOGIN: '100000/s' })
try {
  await bench()
} finally {
  await server.stop()
}

interface Round {
  limit: number
  loginsPerSecond: number
  ratio: number
  /** p99 of verify, in milliseconds. */
  alone: number
  beside: number
}

async function bench(): Promise<void> {
  const rounds: Round[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const limit = (serverCores * 1000) / (await hashMilliseconds())
    const alone = await verify()
    const { loginsPerSecond, beside } = await logInsAndVerify()
    const measured = { limit, loginsPerSecond, alone: alone.response.p99, beside: beside.response.p99 }
    rounds.push({ ...measured, ratio: loginsPerSecond / limit })
    console.log(
      `round ${round}: ${rounded(loginsPerSecond)} log-ins/s of ${rounded(limit)}/s; verify p50 ${rounded(alone.response.p50)} ms, ` +
        `p99 ${rounded(alone.response.p99)} ms alone; p50 ${rounded(beside.response.p50)} ms, p99 ${rounded(beside.response.p99)} ms beside`,
    )
  }
  const of = (name: keyof Round) => rounds.map((round) => round[name])
  const ratio = median(of('ratio'))
  const slowdown = median(of('beside')) / median(of('alone'))
  console.log(
    `Noise: the ratio spread over ${Math.round(spread(of('ratio')) * 100)} %, p99 alone over ${Math.round(spread(of('alone')) * 100)} % of the median.`,
  )
  closeReport(
    {
      logins_per_s: median(of('loginsPerSecond')),
      limit_per_s: median(of('limit')),
      ratio,
      verify_p99_ms_alone: median(of('alone')),
      verify_p99_ms_beside: median(of('beside')),
      cores: serverCores,
    },
    [
      { name: 'log-ins as a share of what bcrypt allows', value: ratio, atLeast: 0.95 },
      { name: 'p99 of verify beside log-ins as a multiple of its own', value: slowdown, atMost: 2 },
    ],
    options.enforce,
  )
}

async function logInsAndVerify(): Promise<{ loginsPerSecond: number; beside: LoadResult }> {
  const verified = new AbortController()
  const [loginsPerSecond, beside] = await Promise.all([
    logInUntil(verified.signal, server.origin, emails),
    verify().finally(() => verified.abort()),
  ])
  return { loginsPerSecond, beside }
}

function verify(): Promise<LoadResult> {
  return constantRate({
    origin: server.origin,
    requests: tokens.map((token) => ({
      method: 'GET',
      path: '/v1/auth/verify',
      headers: { authorization: `Bearer ${token}` },
    })),
    ...verifyRate,
    durationSeconds: options.seconds,
  })
}

async function hashMilliseconds(): Promise<number> {
  const [path, ...rest] = onCore(cores.server, [process.execPath, join(import.meta.dirname, 'hash-time.ts')])
  const { stdout } = await execa(path, rest)
  return Number(stdout)
}
