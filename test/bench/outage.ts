/**
 * `npm run bench:outage`: two servers under 200 requests a second, before, while and after Redis is gone.
 * `-- --seconds N` for each of the three. The last line has the statuses of each.
 */
import { randomBytes } from 'node:crypto'
import { type LoadRequest, runConstantRate } from '../load/constant-rate.ts'
import { benchOptions, openReport } from './report.ts'
import { Deployment } from './servers-under-load.ts'

const ratePerSecond = 200
/** One request in so many is a log-in, two a second: one core hashes about five. The others verify a token. */
const oneLoginIn = 100

const options = benchOptions({ rounds: 1, seconds: 10, tokens: 1_000 })
const cores = openReport(
  `Two servers, ${ratePerSecond} requests/s in all (one in ${oneLoginIn} a log-in, the others verifications), ` +
    `${options.seconds} s with Redis, ${options.seconds} s without, ${options.seconds} s with it again.`,
)
await using deployment = await Deployment.prepare(cores)
// All requests come from one address, and are not what limits are for.
const unlimited = {
  RATE_LIMIT_PER_CLIENT: '100000/s',
  RATE_LIMIT_LOGIN: '100000/s',
  RATE_LIMIT_LOGIN_ACCOUNT: '100000/s',
}
const servers = await Promise.all([deployment.startServer(unlimited), deployment.startServer(unlimited)])
const requests = await mixedRequests()

const before = await phase('with Redis')
await deployment.redis.stop()
const during = await phase('without Redis')
await deployment.redis.start()
const after = await phase('with Redis again')
for (const server of servers) await server.stop()
console.log(JSON.stringify({ before, during, after }))

async function phase(name: string) {
  const results = await Promise.all(
    servers.map(({ origin }) =>
      runConstantRate({
        origin,
        requests,
        ratePerSecond: ratePerSecond / servers.length,
        connections: 20,
        warmUpSeconds: 0,
        durationSeconds: options.seconds,
      }),
    ),
  )
  const statuses: Record<string, number> = {}
  for (const result of results) {
    for (const [status, count] of [...Object.entries(result.statuses), ...Object.entries(result.failures)]) {
      statuses[status] = (statuses[status] ?? 0) + count
    }
  }
  const slowest = Math.round(Math.max(...results.map(({ response }) => response.max)))
  console.log(`${name}: ${JSON.stringify(statuses)}, slowest ${slowest} ms`)
  return { statuses, slowest_ms: slowest }
}

async function mixedRequests(): Promise<LoadRequest[]> {
  const [first] = servers
  if (first === undefined) throw new Error('no server was started')
  const person = { email: 'outage@example.com', password: randomBytes(24).toString('base64url') }
  const json = { 'content-type': 'application/json' }
  const answer = await fetch(`${first.origin}/v1/auth/register`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ ...person, name: 'Outage' }),
  })
  if (answer.status !== 201) throw new Error(`registering answered ${answer.status}: ${await answer.text()}`)
  const tokens = await deployment.tokens(options.tokens)
  return tokens.map((token, index) =>
    index % oneLoginIn === oneLoginIn - 1
      ? { method: 'POST', path: '/v1/auth/login', headers: json, body: JSON.stringify(person) }
      : { method: 'GET', path: '/v1/auth/verify', headers: { authorization: `Bearer ${token}` } },
  )
}
