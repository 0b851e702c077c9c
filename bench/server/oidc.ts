/**
 * `npm run bench:oidc`: requests of OpenID Connect per second of one core, beside a Keycloak in the same run, and the
 * memory of both. Options: `-- --rounds N --seconds N --enforce`
 */
import { Agent } from 'undici'
import { cpuSecondsOf, residentMegabytesOf } from '../machine.ts'
import { benchOptions, closeReport, openReport } from '../report.ts'
import { median, percent, rounded, spread } from '../statistics.ts'
import { pinToLoadCore } from './cores.ts'
import { Deployment } from './deployment.ts'
import { createUsers, hashTime, inTurn, perSecond } from './logins.ts'
import { type OidcProvider, startKeycloakRealms, startOurs } from './oidc-providers.ts'
import { checkConditions, OidcRequests, type UserTokens } from './oidc-requests.ts'

/** In this order, so that userinfo gets access tokens that were refreshed in the same round. */
const kinds = ['client_credentials', 'refresh', 'userinfo', 'login'] as const
type Kind = (typeof kinds)[number]

/** Each has a user and a chain of refresh tokens of its own. */
const connections = 16
/** As many as in `bench:login`. */
const loginClients = 8
/** Of the logins that are measured, so that no user has many sessions. */
const users = 32
/** Keycloak compiles its code while it runs. */
const warmUps = 3

const options = benchOptions({ rounds: 3, seconds: 10, tokens: 1_000 })
const printNoise = openReport(
  `Tokens, userinfo and whole logins at our server and at Keycloak in turn; ${options.rounds} rounds of ${options.seconds} s for each, after ${warmUps} to warm up.`,
)
const cores = pinToLoadCore()

/** A provider with what its clients have. */
interface Target {
  provider: OidcProvider
  requests: OidcRequests
  nextUser: () => string
  /** The current tokens of each connection. */
  tokens: UserTokens[]
  /** Its processes on the core of the load. */
  databases: readonly number[]
}

/** One kind of request at one provider in one round. */
interface Measured {
  perSecond: number
  /** CPU time of the provider for each, in milliseconds. */
  cpuMillis: number
  /** CPU time for each of databases that are processes of their own, in milliseconds. */
  databaseMillis: number
}

interface Pair {
  ours: Measured
  keycloak: Measured
}

interface Round {
  pairs: Record<Kind, Pair>
  /** CPU time of a login at Keycloak with a password hash that costs nothing. */
  keycloakCheapMillis: number
  /** CPU time of a hash of bcrypt. */
  hashMillis: number
}

await using deployment = await Deployment.prepare(cores)
await using stack = new AsyncDisposableStack()
const dispatcher = stack.adopt(new Agent({ connections }), (agent) => agent.close())
const emails = await createUsers(deployment.mongoUrl, deployment.database, connections + users)
const server = stack.adopt(await startOurs(deployment), (running) => running.stop())
console.log('Starting Keycloak, which the first run downloads and builds.')
const realms = stack.adopt(await startKeycloakRealms(cores.server, emails), (running) => running.stop())
const ours = await prepareTarget(server, deployment.databasePids)
const keycloak = await prepareTarget(realms.usual)
const cheapKeycloak = await prepareTarget(realms.cheap)

for (let round = 1; round <= warmUps; round++) printRound(`warm-up ${round}`, await measureRound(round))
const rounds: Round[] = []
for (let round = 1; round <= options.rounds; round++) {
  const measured = await measureRound(round)
  rounds.push(measured)
  printRound(`round ${round}`, measured)
}
report()

async function prepareTarget(provider: OidcProvider, databases: readonly number[] = []): Promise<Target> {
  const requests = new OidcRequests(provider, dispatcher)
  const tokens: UserTokens[] = []
  for (const email of emails.slice(0, connections)) tokens.push(await requests.logIn(email))
  for (const each of tokens) checkConditions(each)
  return { provider, requests, nextUser: inTurn(emails.slice(connections)), tokens, databases }
}

async function measureRound(round: number): Promise<Round> {
  const pairs = {
    client_credentials: await measurePair('client_credentials', round),
    refresh: await measurePair('refresh', round),
    userinfo: await measurePair('userinfo', round),
    login: await measurePair('login', round),
  }
  const { cpuMillis } = await measure('login', cheapKeycloak)
  return { pairs, keycloakCheapMillis: cpuMillis, hashMillis: (await hashTime(cores.server)).cpuMillis }
}

/** In turn, so that other load on the machine slows down both. Each is the first one in every other round. */
async function measurePair(kind: Kind, round: number): Promise<Pair> {
  if (round % 2 === 0) {
    const first = await measure(kind, keycloak)
    return { ours: await measure(kind, ours), keycloak: first }
  }
  return { ours: await measure(kind, ours), keycloak: await measure(kind, keycloak) }
}

/** Sends requests of one kind without a pause. @throws when an answer is wrong */
async function measure(kind: Kind, target: Target): Promise<Measured> {
  const { provider, databases } = target
  const databaseSeconds = () => databases.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0)
  const before = { provider: cpuSecondsOf(provider.pid), databases: databaseSeconds() }
  const ends: number[] = []
  const over = performance.now() + options.seconds * 1000
  const repeat = async (_: unknown, connection: number) => {
    while (performance.now() < over) {
      await send(kind, target, connection)
      ends.push(performance.now())
    }
  }
  await Promise.all(Array.from({ length: kind === 'login' ? loginClients : connections }, repeat))
  return {
    perSecond: perSecond(ends),
    cpuMillis: ((cpuSecondsOf(provider.pid) - before.provider) / ends.length) * 1000,
    databaseMillis: ((databaseSeconds() - before.databases) / ends.length) * 1000,
  }
}

async function send(kind: Kind, { requests, tokens, nextUser }: Target, connection: number): Promise<void> {
  const [current, email] = [tokens[connection], emails[connection]]
  if (current === undefined || email === undefined) throw new Error(`connection ${connection} has no user`)
  switch (kind) {
    case 'client_credentials':
      return requests.clientCredentials()
    case 'refresh':
      tokens[connection] = await requests.refresh(current)
      return
    case 'userinfo':
      return requests.userinfo(current, email)
    case 'login':
      await requests.logIn(nextUser())
  }
}

function printRound(name: string, { pairs, keycloakCheapMillis, hashMillis }: Round): void {
  for (const kind of kinds) {
    console.log(`${name}, ${kind}: ours ${described(pairs[kind].ours)}; Keycloak ${described(pairs[kind].keycloak)}`)
  }
  console.log(
    `${name}, CPU time of a hash: ours ${rounded(hashMillis)} ms; Keycloak ${rounded(pairs.login.keycloak.cpuMillis - keycloakCheapMillis)} ms`,
  )
}

/** When much of the core is left, the load or a database was the limit. */
function described({ perSecond: rate, cpuMillis, databaseMillis }: Measured): string {
  const database = databaseMillis === 0 ? '' : `, ${rounded(databaseMillis)} ms of its databases`
  return `${rounded(rate)}/s (${rounded(cpuMillis)} ms of CPU time each, ${percent((rate * cpuMillis) / 1000)} of the core${database})`
}

function report(): void {
  const medianOf = (figure: (round: Round) => number) => median(rounds.map(figure))
  const byKind = (figure: (pair: Pair) => number) =>
    Object.fromEntries(kinds.map((kind) => [kind, medianOf(({ pairs }) => figure(pairs[kind]))]))
  const ratio = (pair: Pair) => pair.ours.perSecond / pair.keycloak.perSecond
  // As with requests per second, higher is better for ours.
  const cpuRatio = ({ ours: { cpuMillis, databaseMillis }, keycloak: { cpuMillis: theirs } }: Pair) =>
    theirs / (cpuMillis + databaseMillis)
  const spreads = kinds.map((kind) => `${kind} ${percent(spread(rounds.map(({ pairs }) => ratio(pairs[kind]))))}`)
  console.log(`Noise: the ratios have a spread of ${spreads.join(', ')}.`)
  printNoise()
  closeReport(
    {
      ours: byKind((pair) => pair.ours.perSecond),
      keycloak: byKind((pair) => pair.keycloak.perSecond),
      ratio: byKind(ratio),
      rss_mb: residentMegabytesOf(server.pid),
      keycloak_rss_mb: residentMegabytesOf(realms.usual.pid),
      databases_rss_mb: deployment.databasePids.reduce((sum, pid) => sum + residentMegabytesOf(pid), 0),
      cpu_ms: byKind((pair) => pair.ours.cpuMillis),
      databases_cpu_ms: byKind((pair) => pair.ours.databaseMillis),
      keycloak_cpu_ms: byKind((pair) => pair.keycloak.cpuMillis),
      cpu_ratio: byKind(cpuRatio),
      hash_cpu_ms: medianOf(({ hashMillis }) => hashMillis),
      keycloak_hash_cpu_ms: medianOf(
        ({ pairs, keycloakCheapMillis }) => pairs.login.keycloak.cpuMillis - keycloakCheapMillis,
      ),
    },
    [],
    options.enforce,
  )
}
