import { parseArgs } from 'node:util'

/** Options of `npm run load-test`. */
export interface LoadTestOptions {
  /** Scheme, host and port. */
  origin: string
  ratePerSecond: number
  durationSeconds: number
  connections: number
  /** The user whose access token is verified; without one, the public keys are fetched. */
  login?: { email: string; passwordFile: string }
  caFile?: string
  insecure: boolean
  /** Do not ask for confirmation before sending to another machine. */
  yes: boolean
}

export class UsageError extends Error {}

const maxima = { ratePerSecond: 20_000, durationSeconds: 600, connections: 2_000 }

export const usage = `Usage: npm run load-test -- --url URL [OPTIONS]

Sends requests at a constant rate to a deployment that you own, and reports the responses.

  --url URL              address of the deployment, such as https://auth.example.com (required)
  --rate N               requests/s (default 50, at most ${maxima.ratePerSecond})
  --duration N           seconds (default 30, at most ${maxima.durationSeconds})
  --connections N        connections (default 20, at most ${maxima.connections})
  --email E --password-file F
                         log in once, verify that access token repeatedly, and log out;
                         without them: GET /.well-known/jwks.json
  --ca-file F            certificate authority of the deployment, in PEM
  --insecure             accept any certificate
  --yes                  do not ask for confirmation before sending to another machine
  --help                 show this text`

/** @returns undefined if help was requested @throws UsageError with a sentence that says what to write instead */
export function parseOptions(commandLine: readonly string[]): LoadTestOptions | undefined {
  const values = parse(commandLine)
  if (values.help) return undefined
  const { email, 'password-file': passwordFile, 'ca-file': caFile } = values
  if ((email === undefined) !== (passwordFile === undefined)) {
    throw new UsageError('--email and --password-file go together: the password is read from that file.')
  }
  return {
    origin: originOf(values.url),
    ratePerSecond: whole('--rate', values.rate, maxima.ratePerSecond),
    durationSeconds: whole('--duration', values.duration, maxima.durationSeconds),
    connections: whole('--connections', values.connections, maxima.connections),
    ...(email !== undefined && passwordFile !== undefined && { login: { email, passwordFile } }),
    ...(caFile !== undefined && { caFile }),
    insecure: values.insecure,
    yes: values.yes,
  }
}

/**
 * Whether the target is this machine, which needs no confirmation. This includes names below `localhost` (RFC 6761).
 */
export function isLoopback(origin: string): boolean {
  return /^(([a-z0-9-]+\.)*localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(origin).hostname)
}

/** Description of the load, before it starts. */
export function describeLoad(options: LoadTestOptions): string {
  const { origin, ratePerSecond, durationSeconds, connections, login } = options
  const requests = (ratePerSecond * durationSeconds).toLocaleString('en')
  const what = login === undefined ? 'GET /.well-known/jwks.json' : `GET /v1/auth/verify with a token of ${login.email}`
  return (
    `${what}: ${ratePerSecond} requests/s for ${durationSeconds} s, ${requests} in total, ` +
    `over ${connections} connections (one more request opens each) to ${origin}. Ctrl-C ends it.`
  )
}

function parse(commandLine: readonly string[]) {
  try {
    return parseArgs({
      args: [...commandLine],
      options: {
        url: { type: 'string' },
        rate: { type: 'string', default: '50' },
        duration: { type: 'string', default: '30' },
        connections: { type: 'string', default: '20' },
        email: { type: 'string' },
        'password-file': { type: 'string' },
        'ca-file': { type: 'string' },
        insecure: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

function originOf(url: string | undefined): string {
  if (url === undefined) throw new UsageError(`--url is missing: name the deployment, one that you own.\n\n${usage}`)
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(`--url ${url} is not an HTTP URL: write https://auth.example.com`)
  }
  if (parsed.pathname !== '/' || parsed.search !== '' || parsed.username !== '') {
    throw new UsageError(`--url takes scheme, host and port only: ${parsed.origin}`)
  }
  return parsed.origin
}

function whole(option: string, text: string, highest: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= highest) return value
  throw new UsageError(`${option} must be a whole number from 1 to ${highest}, not "${text}".`)
}
