/**
 * `npm run bench:mfa`: what second factors cost logins and the verification of tokens, and how many of 10,000 uses of one
 * code are accepted. Options: `-- --rounds N --seconds N --tokens N --enforce`
 */
import { setTimeout } from 'node:timers/promises'
import { cpuSecondsOf } from '../machine.ts'
import { benchOptions, closeReport, openReport } from '../report.ts'
import { median, percent, rounded, spread } from '../statistics.ts'
import { pinToLoadCore } from './cores.ts'
import { Deployment, type HttpServer } from './deployment.ts'
import { closedLoop } from './generators.ts'
import { createUsers, inTurn, logInUntil } from './logins.ts'
import { type UsesOfOneCode, useOneCode } from './one-code.ts'
import { enrolApps, mfaServer, unlimited } from './second-factors.ts'

/** More than the server hashes at a time, so that a core never waits for a login. */
const clients = 8
/** A user can log in once in a time step of 30 s. No machine hashes that many passwords in one. */
const users = 1_000
const uses = 10_000
const verifyConnections = 16

const options = benchOptions({ rounds: 3, seconds: 15, tokens: 1_000 })
const printNoise = openReport(
  `Logins with and without a code, and verifications with and without second factors, in turn; ${options.rounds} rounds of ${options.seconds} s. Then ${uses} uses of one code.`,
)
await using deployment = await Deployment.prepare(pinToLoadCore())
const emails = await createUsers(deployment.mongoUrl, deployment.database, 2 * users + 1)
const [withApp, without, oneUser = ''] = [emails.slice(0, users), emails.slice(users, 2 * users), emails.at(-1)]
const [nextWithApp, nextWithout] = [inTurn(withApp), inTurn(without)]
const codeOf = await enrolApps(deployment.mongoUrl, deployment.database, [...withApp, oneUser])
const plainTokens = await deployment.tokenFile(await deployment.tokens(options.tokens), 'plain')
const authentication = { at: new Date(), methods: ['pwd', 'otp', 'mfa'] } as const
const describedTokens = await deployment.tokenFile(await deployment.tokens(options.tokens, authentication), 'described')
const plain = await deployment.startServer(unlimited)
const server = await deployment.startServer(mfaServer)
const other = await deployment.startServer(mfaServer)
try {
  await bench()
} finally {
  await Promise.all([plain.stop(), server.stop(), other.stop()])
}

interface Logins {
  perSecond: number
  /** CPU time of the server for each, in milliseconds. */
  cpuMillis: number
}

interface Round {
  withCode: Logins
  withoutCode: Logins
  /** CPU time of a verification in microseconds, on a server without second factors. */
  plainMicros: number
  /** The same tokens, on a server with second factors. */
  mfaMicros: number
  /** Tokens that say how their users logged in, which the answer repeats in three headers and three members. */
  describedMicros: number
}

async function bench(): Promise<void> {
  // The first loads warm the servers up.
  await measureRound()
  const rounds: Round[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const measured = await measureRound()
    rounds.push(measured)
    const { withCode, withoutCode, plainMicros, mfaMicros, describedMicros } = measured
    console.log(
      `round ${round}: ${rounded(withCode.perSecond)} logins/s with a code (${rounded(withCode.cpuMillis)} ms of CPU time each), ` +
        `${rounded(withoutCode.perSecond)}/s without (${rounded(withoutCode.cpuMillis)} ms); ` +
        `verify ${rounded(plainMicros)} µs of CPU time without second factors, ${rounded(mfaMicros)} µs with them, ` +
        `${rounded(describedMicros)} µs for tokens that say how their users logged in`,
    )
  }
  const one = await useOneCode([server.origin, other.origin], oneUser, codeOf, uses)
  console.log(
    `one code: ${one.accepted} accepted, ${one.refused} refused, ${one.ended} with the token of the completed login, ` +
      `within ${rounded(one.seconds)} s; ${one.late} after the code had expired`,
  )
  report(rounds, one)
}

function report(rounds: readonly Round[], one: UsesOfOneCode): void {
  const of = (figure: (round: Round) => number) => rounds.map(figure)
  const loginRatios = of(({ withCode, withoutCode }) => withCode.perSecond / withoutCode.perSecond)
  const verifyRatios = of(({ mfaMicros, plainMicros }) => mfaMicros / plainMicros)
  const [loginRatio, verifyRatio] = [median(loginRatios), median(verifyRatios)]
  const loginCpuRatio = median(of(({ withCode, withoutCode }) => withoutCode.cpuMillis / withCode.cpuMillis))
  const inTime = one.accepted + one.refused + one.ended
  console.log(
    `Noise: the ratio of logins has a spread of ${percent(spread(loginRatios))}, that of verifications one of ${percent(spread(verifyRatios))}.`,
  )
  printNoise()
  closeReport(
    {
      logins_per_s_with_code: median(of(({ withCode }) => withCode.perSecond)),
      logins_per_s: median(of(({ withoutCode }) => withoutCode.perSecond)),
      login_ratio: loginRatio,
      login_cpu_ratio: loginCpuRatio,
      verify_cpu_us: median(of(({ plainMicros }) => plainMicros)),
      verify_cpu_ratio: verifyRatio,
      verify_described_cpu_ratio: median(of(({ describedMicros, plainMicros }) => describedMicros / plainMicros)),
      uses_of_one_code: inTime,
      accepted: one.accepted,
    },
    [
      { name: 'logins with a code as a share of those without', value: loginRatio, atLeast: 0.95 },
      { name: 'the same by CPU time', value: loginCpuRatio, atLeast: 0.95 },
      {
        name: 'CPU time of a verification, as a multiple of that without second factors',
        value: verifyRatio,
        atMost: 1.05,
      },
      { name: 'uses of one code before it expired', value: inTime, atLeast: uses },
      { name: 'accepted uses', value: one.accepted, atLeast: 1, atMost: 1 },
    ],
    options.enforce,
  )
}

/** In turn, so that other load on the machine slows down all. */
async function measureRound(): Promise<Round> {
  return {
    withCode: await logIn(nextWithApp, codeOf),
    withoutCode: await logIn(nextWithout),
    plainMicros: await verifyMicros(plain, plainTokens),
    // Not the server of the logins, whose heap they have filled.
    mfaMicros: await verifyMicros(other, plainTokens),
    describedMicros: await verifyMicros(other, describedTokens),
  }
}

async function logIn(nextEmail: () => string, codes?: (email: string) => string): Promise<Logins> {
  const over = new AbortController()
  const before = cpuSecondsOf(server.pid)
  const [{ logins, loginsPerSecond }] = await Promise.all([
    logInUntil(over.signal, server.origin, nextEmail, { clients, ...(codes && { codeOf: codes }) }),
    setTimeout(options.seconds * 1000).then(() => over.abort()),
  ])
  return { perSecond: loginsPerSecond, cpuMillis: ((cpuSecondsOf(server.pid) - before) / logins) * 1000 }
}

async function verifyMicros(target: HttpServer, tokenFile: string): Promise<number> {
  const before = cpuSecondsOf(target.pid)
  const load = { url: `${target.origin}/v1/auth/verify`, tokenFile, connections: verifyConnections }
  const { requests } = await closedLoop({ ...load, seconds: options.seconds })
  return ((cpuSecondsOf(target.pid) - before) / requests) * 1e6
}
