import { Counter, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { HttpRequests } from './http-requests.ts'

const answers = [
  { method: 'GET', route: '/v1/auth/verify', status: 200, seconds: 0.001 },
  { method: 'GET', route: '/v1/auth/verify', status: 200, seconds: 0.002 },
  { method: 'GET', route: '/v1/auth/verify', status: 401, seconds: 0.3 },
  { method: 'POST', route: '/v1/auth/login', status: 200, seconds: 7 },
  { method: 'DELETE', route: '/v1/me', status: 204, seconds: 0.04 },
  { method: 'GET', route: '/v1/me', status: 200, seconds: 0.04 },
]

/** What prom-client makes of the same answers by itself. */
async function byPromClient(): Promise<string> {
  const registry = new Registry()
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Answers',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer',
    labelNames: ['method', 'route'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers: [registry],
  })
  for (const { method, route, status, seconds: took } of answers) {
    requests.inc({ method, route, status })
    seconds.observe({ method, route }, took)
  }
  return registry.metrics()
}

const sorted = (text: string) => text.split('\n').sort()

test('a scrape shows what prom-client would have counted by itself, line by line, however often it is asked', async () => {
  const registry = new Registry()
  const requests = new HttpRequests(registry)
  for (const { method, route, status, seconds } of answers) requests.record(method, route, status, seconds)
  const expected = sorted(await byPromClient())
  expect(sorted(await registry.metrics())).toEqual(expected)
  expect(sorted(await registry.metrics())).toEqual(expected)
})
