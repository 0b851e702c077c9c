/** `npm run load-test`: sends a bounded load to a deployment of the user, and reports the responses. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Agent, request } from 'undici'
import { type LoadPlan, type LoadRequest, type LoadResult, runConstantRate } from '../../tools/load/constant-rate.ts'
import { bearerOf } from './login-answer.ts'
import { describeLoad, isLoopback, type LoadTestOptions, parseOptions, UsageError, usage } from './options.ts'

const json = { 'content-type': 'application/json' }

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) console.log(usage)
  else await main(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function main(options: LoadTestOptions): Promise<void> {
  console.log(describeLoad(options))
  if (!options.yes && !isLoopback(options.origin) && !(await isConfirmed())) {
    console.log('Nothing was sent.')
    return
  }
  const ca = options.caFile === undefined ? undefined : await readFile(options.caFile, 'utf8')
  const tls = { ...(ca !== undefined && { ca }), ...(options.insecure && { rejectUnauthorized: false }) }
  const dispatcher = new Agent({ connect: tls })
  const bearer = options.login && (await logIn(options.origin, options.login, dispatcher))
  const verification: LoadRequest =
    bearer === undefined
      ? { method: 'GET', path: '/.well-known/jwks.json', headers: {} }
      : { method: 'GET', path: '/v1/auth/verify', headers: bearer }
  try {
    const result = await runConstantRate(
      { ...planOf(options), requests: [verification], ...(ca !== undefined && { ca }), insecure: options.insecure },
      interrupted(),
    )
    report(result)
  } finally {
    if (bearer !== undefined) await post(`${options.origin}/v1/auth/logout`, {}, bearer, dispatcher)
    await dispatcher.close()
  }
}

function planOf({ origin, ratePerSecond, connections, durationSeconds }: LoadTestOptions): Omit<LoadPlan, 'requests'> {
  return { origin, ratePerSecond, connections, durationSeconds, warmUpSeconds: 0 }
}

async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('This is not a terminal, so you cannot confirm: add --yes.')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question('Do you own this deployment, and may it receive this load? [y/N] ')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

async function logIn(
  origin: string,
  { email, passwordFile }: { email: string; passwordFile: string },
  dispatcher: Agent,
): Promise<Record<string, string>> {
  const password = (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '')
  return bearerOf(email, await post(`${origin}/v1/auth/login`, { email, password }, {}, dispatcher))
}

async function post(url: string, content: unknown, headers: Record<string, string>, dispatcher: Agent) {
  const options = {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify(content),
    dispatcher,
  } as const
  const { statusCode, body } = await request(url, options)
  return { status: statusCode, body: await body.text() }
}

function interrupted(): AbortSignal {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort())
  process.once('SIGTERM', () => controller.abort())
  return controller.signal
}

function report({
  requests,
  answersPerSecond,
  statuses,
  failures,
  latency,
  generator,
  stoppedBecause,
}: LoadResult): void {
  if (stoppedBecause !== undefined) console.log(`Ended early: ${stoppedBecause}.`)
  const counts = Object.entries({ ...statuses, ...failures }).map(([what, count]) => `${count} × ${what}`)
  console.log(`${requests} requests, ${answersPerSecond.toFixed(1)} responses/s: ${counts.join(', ')}`)
  const { p50, p90, p99, p999, max } = latency
  const milliseconds = Object.entries({ p50, p90, p99, 'p99.9': p999, max }).map(
    ([name, value]) => `${name} ${value.toFixed(1)}`,
  )
  console.log(`latency in ms, from the moment a request was due: ${milliseconds.join(', ')}`)
  if (generator.lateness.p99 > 10) {
    console.log(
      `This machine sent requests late by ${generator.lateness.p99.toFixed(0)} ms (p99): lower the rate to trust the latency.`,
    )
  }
  if ('429' in statuses) {
    console.log('429: the rate limit of the deployment for one address applied. See docs/server/limits.md.')
  }
  if ((statuses['200'] ?? 0) < requests) process.exitCode = 1
}
