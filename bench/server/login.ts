/**
 * `npm run bench:login`: how close logins come to the number of hashes that bcrypt allows, and how they slow down the
 * verification of tokens. Options: `-- --rounds N --seconds N --enforce`
 */
import { availableParallelism } from 'node:os'
import type { LoadResult } from '../../tools/load/constant-rate.ts'
import { benchOptions, closeReport, openReport } from '../report.ts'
import { median, percent, rounded, spread } from '../statistics.ts'
import { pinToLoadCore } from './cores.ts'
import { Deployment } from './deployment.ts'
import { constantRate, verifications } from './generators.ts'
import { createUsers, hashTime, inTurn, logInUntil } from './logins.ts'

/** More than the server hashes at a time, so that logins wait for a core, and a core never waits for a login. */
const clients = 8
const verifyRate = { ratePerSecond: 200, connections: 20, warmUpSeconds: 2 }

const options = benchOptions({ rounds: 3, seconds: 15, tokens: 1_000 })
const printNoise = openReport(
  `Logins of ${clients} clients without a pause, during ${verifyRate.ratePerSecond} verifications/s; ${options.rounds} rounds of ${options.seconds} s.`,
)
const cores = pinToLoadCore()
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
  /** Hashes per second that bcrypt allows on the server's cores. */
  limit: number
  loginsPerSecond: number
  ratio: number
  /** p99 of verification without logins, in milliseconds. */
  alone: number
  /** p99 of verification during logins, in milliseconds. */
  beside: number
}

async function bench(): Promise<void> {
  const rounds: Round[] = []
  for (let round = 1; round <= options.rounds; round++) rounds.push(await measureRound(round))
  const of = (name: keyof Round) => rounds.map((round) => round[name])
  const ratio = median(of('ratio'))
  const slowdown = median(of('beside')) / median(of('alone'))
  console.log(
    `Noise: the ratio has a spread of ${percent(spread(of('ratio')))}, p99 alone one of ${percent(spread(of('alone')))}.`,
  )
  printNoise()
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
      { name: 'logins as a share of what bcrypt allows', value: ratio, atLeast: 0.95 },
      { name: 'p99 of verification during logins, as a multiple of p99 alone', value: slowdown, atMost: 2 },
    ],
    options.enforce,
  )
}

async function measureRound(round: number): Promise<Round> {
  const limit = (serverCores * 1000) / (await hashTime(cores.server)).millis
  const alone = (await verify()).response
  const { loginsPerSecond, response: beside } = await verifyBesideLogins()
  console.log(
    `round ${round}: ${rounded(loginsPerSecond)} logins/s of ${rounded(limit)}/s; verification p50 ${rounded(alone.p50)} ms, ` +
      `p99 ${rounded(alone.p99)} ms alone; p50 ${rounded(beside.p50)} ms, p99 ${rounded(beside.p99)} ms during logins`,
  )
  return { limit, loginsPerSecond, ratio: loginsPerSecond / limit, alone: alone.p99, beside: beside.p99 }
}

async function verifyBesideLogins(): Promise<LoadResult & { loginsPerSecond: number }> {
  const verified = new AbortController()
  const [{ loginsPerSecond }, result] = await Promise.all([
    logInUntil(verified.signal, server.origin, inTurn(emails), { clients }),
    verify().finally(() => verified.abort()),
  ])
  return { ...result, loginsPerSecond }
}

function verify(): Promise<LoadResult> {
  const requests = verifications(tokens)
  return constantRate({ origin: server.origin, requests, ...verifyRate, durationSeconds: options.seconds })
}
