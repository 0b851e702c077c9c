import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { LoadPlan, LoadRequest, LoadResult } from '../../tools/load/constant-rate.ts'
import { type Binary, wrkBinary } from '../../tools/local-servers/binaries.ts'

export interface ClosedLoopResult {
  requestsPerSecond: number
  requests: number
  /** Milliseconds. */
  p99: number
}

export interface ClosedLoop {
  url: string
  connections: number
  seconds: number
  /** A file with one access token per line. */
  tokenFile?: string
}

const root = resolve(import.meta.dirname, '../..')
const spareSeconds = 30

/**
 * Sends requests in a closed loop: each connection sends the next request after the answer. With wrk, because one core
 * of wrk outruns one core of the server.
 *
 * @throws when an answer is not 2xx
 */
export async function closedLoop({ url, connections, seconds, tokenFile }: ClosedLoop): Promise<ClosedLoopResult> {
  const wrk: Binary = await wrkBinary()
  const script = join(import.meta.dirname, 'wrk.lua')
  const options = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`]
  const { stdout } = await execa(
    wrk.path,
    [...options, '--script', script, url, ...(tokenFile === undefined ? [] : ['--', tokenFile])],
    { env: wrk.env, timeout: (seconds + spareSeconds) * 1000 },
  )
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  const { requests, failures, seconds: took, p99 } = JSON.parse(line)
  if (failures > 0) throw new Error(`${failures} of ${requests} requests to ${url} failed:\n${stdout}`)
  return { requestsPerSecond: requests / took, requests, p99 }
}

/**
 * Sends requests at a constant rate from a process of its own.
 *
 * @throws when a request fails or is not answered 200, and when the target does not keep up
 */
export async function constantRate(plan: LoadPlan): Promise<LoadResult> {
  const { stdout } = await execa(process.execPath, [join(root, 'tools/load/main-process.ts')], {
    input: JSON.stringify(plan),
    timeout: (plan.warmUpSeconds + plan.durationSeconds + spareSeconds) * 1000,
  })
  const result: LoadResult = JSON.parse(stdout)
  const { statuses, failures, stoppedBecause } = result
  if (stoppedBecause !== undefined || result.requests === 0 || statuses['200'] !== result.requests) {
    throw new Error(
      `${plan.ratePerSecond} requests/s could not be measured: ${JSON.stringify({ stoppedBecause, statuses, failures })}`,
    )
  }
  return result
}

/** A verification request for each token. */
export function verifications(tokens: readonly string[]): LoadRequest[] {
  return tokens.map((token) => ({
    method: 'GET',
    path: '/v1/auth/verify',
    headers: { authorization: `Bearer ${token}` },
  }))
}
