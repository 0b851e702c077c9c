import { Gauge, Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { ProbeServer } from './probe-server.ts'

let server: ProbeServer
afterEach(() => server.close())

async function get(problems: { live?: string; ready?: string }, path: string): Promise<string> {
  const registry = new Registry()
  new Gauge({ name: 'answers', help: 'Of everything.', registers: [registry] }).set(42)
  server = new ProbeServer({ registry, live: () => problems.live, ready: () => problems.ready })
  const answer = await fetch(`http://127.0.0.1:${await server.listen(0)}${path}`)
  return `${answer.status} ${await answer.text()}`
}

test('a healthy process answers both probes with ok', async () => {
  expect(await get({}, '/healthz')).toBe('200 ok\n')
  await server.close()
  expect(await get({}, '/readyz')).toBe('200 ok\n')
})

test('a stuck worker fails liveness with the reason, and does not affect readiness', async () => {
  const live = 'the reconcile of team-a/accounts has not ended for 300 s'
  expect(await get({ live }, '/healthz')).toBe(`503 ${live}\n`)
  await server.close()
  expect(await get({ live }, '/readyz')).toBe('200 ok\n')
})

test('the reason for which startup waits fails only readiness, because a restart would not help', async () => {
  const ready = 'the API server cannot be reached'
  expect(await get({ ready }, '/readyz')).toBe(`503 ${ready}\n`)
  await server.close()
  expect(await get({ ready }, '/healthz')).toBe('200 ok\n')
})

test('metrics have the text format of Prometheus', async () => {
  expect(await get({}, '/metrics')).toContain('\nanswers 42\n')
})
