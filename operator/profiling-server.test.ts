import { networkInterfaces } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ProfilingServer } from './profiling-server.ts'

let server: ProfilingServer
let port: number

beforeEach(async () => {
  server = new ProfilingServer()
  port = await server.listen(0)
})
afterEach(() => server.close())

const get = (path: string) => fetch(`http://127.0.0.1:${port}/debug/pprof/${path}`)

test('a CPU profile names the functions that ran while it was taken', async () => {
  const answer = get('profile?seconds=0.3')
  const busy = setInterval(burnCpu, 10)
  const profile = (await (await answer).json()) as { nodes: { callFrame: { functionName: string } }[] }
  clearInterval(busy)
  expect(profile.nodes.map(({ callFrame }) => callFrame.functionName)).toContain('burnCpu')
})

test('heap profiles are files that Chrome DevTools can open', async () => {
  const sampled = await get('heap?seconds=0.1')
  expect(sampled.headers.get('content-disposition')).toContain('operator.heapprofile')
  expect(await sampled.json()).toMatchObject({ head: expect.anything(), samples: expect.any(Array) })

  const snapshot = (await (await get('heapsnapshot')).json()) as { snapshot: { node_count: number } }
  expect(snapshot.snapshot.node_count).toBeGreaterThan(1_000)
})

test('one profile at a time', async () => {
  const answers = await Promise.all([get('profile?seconds=1'), get('profile?seconds=1')])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
})

test('an unknown profile is answered with the available ones', async () => {
  expect((await get('profile?seconds=900')).status).toBe(400)
  expect((await get('profile?seconds=soon')).status).toBe(400)
  expect(await (await get('goroutine')).text()).toContain('/debug/pprof/profile, /debug/pprof/heap')
})

test('only the loopback interface is served', async () => {
  const addresses = Object.values(networkInterfaces()).flatMap((found = []) =>
    found.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
  )
  for (const address of addresses) {
    await expect(fetch(`http://${address}:${port}/debug/pprof/heap`), address).rejects.toThrow()
  }
})

function burnCpu(): number {
  const until = performance.now() + 9
  let sum = 0
  while (performance.now() < until) sum += Math.sqrt(sum + 1)
  return sum
}
