import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { LoadPlan, LoadResult } from '../load/constant-rate.ts'
import { type Binary, wrkBinary } from '../servers/binaries.ts'

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
  /** One access token a line. */
  tokenFile?: string
}

const root = resolve(import.meta.dirname, '../..')
const spareSeconds = 30

/**
 * As many requests as `connections` clients get through, each with the next one after the answer: wrk, because one core
 * of it outruns one core of the server.
 *
 * @throws when an answer was not 2xx
 */
export async function closedLoop({ url, connections, seconds, tokenFile }: ClosedLoop): Promise<ClosedLoopResult> {
  const wrk: Binary = await wrkBinary()
  const script = join(root, 'test/bench/wrk.lua')
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
 * A constant rate from a process of its own.
 * @throws when a request failed or was not answered with 200, and when the target did not keep up
 */
export async function constantRate(plan: LoadPlan): Promise<LoadResult> {
  const { stdout } = await execa(process.execPath, [join(root, 'test/load/main-process.ts')], {
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
