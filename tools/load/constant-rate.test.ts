import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type LoadPlan, runConstantRate } from './constant-rate.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** Serves a status for the nth request, from 1. Undefined closes the connection without an answer. */
async function serve(statusOf: (request: number) => number | undefined | Promise<number>): Promise<string> {
  let requests = 0
  server = createServer(async (_request, response) => {
    const status = await statusOf(++requests)
    if (status === undefined) response.destroy()
    else response.writeHead(status).end('done')
  })
  const listening = server
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done))
  // A server on a TCP port has an address of this type.
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

const plan = (origin: string, change: Partial<LoadPlan> = {}): LoadPlan => ({
  origin,
  requests: [{ method: 'GET', path: '/', headers: {} }],
  ratePerSecond: 100,
  connections: 1,
  warmUpSeconds: 0,
  durationSeconds: 2,
  ...change,
})

/** Two seconds at 100 per second. The first and the last request may fall outside, depending on the clock. */
const expectAbout200 = (requests: number) => expect(Math.abs(requests - 200)).toBeLessThanOrEqual(1)

test('the rate is constant, and requests that open connections do not count', async () => {
  const origin = await serve(() => 200)
  const result = await runConstantRate(plan(origin, { connections: 5 }))
  expectAbout200(result.requests)
  expect(result).toMatchObject({ statuses: { '200': result.requests }, failures: {} })
  expect(result.stoppedBecause).toBeUndefined()
})

test('a stall counts for every request that was due meanwhile', async () => {
  const stall = 1_000
  const origin = await serve((request) =>
    request === 50 ? new Promise((answer) => setTimeout(() => answer(200), stall)) : 200,
  )
  const { latency, requests } = await runConstantRate(plan(origin))
  expectAbout200(requests)
  // 100 requests were due in that second, half of all. A closed loop would have seen one slow request.
  expect(latency.max).toBeGreaterThanOrEqual(stall * 0.9)
  expect(latency.p90).toBeGreaterThan(stall / 2)
})

test('answers are counted by status, broken connections by error code', async () => {
  const origin = await serve((request) => (request === 10 ? undefined : request % 2 === 0 ? 200 : 503))
  const { statuses, failures, requests } = await runConstantRate(plan(origin))
  expect(Object.keys(statuses).sort()).toEqual(['200', '503'])
  expect(failures).toEqual({ CONNECTION_CLOSED: 1 })
  expectAbout200(requests)
})

test('a load stops when the target does not keep up, and says so', async () => {
  const origin = await serve(
    (request) => new Promise((answer) => setTimeout(() => answer(200), request === 1 ? 0 : 500)),
  )
  const { stoppedBecause, failures } = await runConstantRate(plan(origin, { durationSeconds: 60 }))
  expect(stoppedBecause).toContain('did not keep up')
  expect(failures['NEVER_SENT']).toBeGreaterThan(100)
})

test('a load stops when its signal aborts, and returns what it has measured', async () => {
  const origin = await serve(() => 200)
  const controller = new AbortController()
  const running = runConstantRate(plan(origin, { durationSeconds: 600 }), controller.signal)
  setTimeout(() => controller.abort(), 500)
  const { stoppedBecause, requests } = await running
  expect(stoppedBecause).toBe('it was interrupted')
  expect(requests).toBeLessThan(10_000)
})
