import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { runningCluster } from '../../tools/local-cluster/cluster.ts'
import { ComposeProject } from '../e2e/compose-project.ts'

/** docs/docker-compose.md speaks of 15 s, on an idle machine. */
const mostSecondsOfUpgrade = 45

let project: ComposeProject

beforeAll(async () => {
  project = await ComposeProject.create(await runningCluster(), 'chaos')
})

afterAll(() => project.remove())

test('up fails when a service does not become healthy, and names it', async () => {
  const sleeping = { command: ['sleep', '600'], healthcheck: { interval: '1s', start_period: '1s', retries: 3 } }
  await writeFile(join(project.folder, 'sleeping.yaml'), stringify({ services: { server: sleeping } }))
  // Compose reads the override on its own only if no file is named.
  const files = (await project.composeFiles()).concat('sleeping.yaml').flatMap((file) => ['--file', file])
  const { ok, output } = await project.compose([...files, 'up', '--wait'])
  expect(ok, output).toBe(false)
  expect(output).toMatch(/server-1 is unhealthy/)
})

test('up fails on an invalid setting, and the log names it', async () => {
  await project.configure({ RATE_LIMIT_LOGIN: 'ten' })
  const ofSetup = await project.compose(['up', '--wait'])
  expect(ofSetup.ok, ofSetup.output).toBe(false)
  expect(ofSetup.output).toContain('service "setup" didn\'t complete successfully')
  expect(await project.mustCompose(['logs', 'setup'])).toContain('RATE_LIMIT_LOGIN=ten is invalid: expected logins')

  await project.configure({ BCRYPT_COST: '99' })
  const ofMigrate = await project.compose(['up', '--wait'])
  expect(ofMigrate.ok, ofMigrate.output).toBe(false)
  expect(ofMigrate.output).toContain('service "migrate" didn\'t complete successfully')
  expect(await project.mustCompose(['logs', 'migrate'])).toContain('BCRYPT_COST')
})

test('up fails when the port is taken, and says so', async () => {
  const other = createServer()
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening))
  const address = other.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  await project.configure({ AUTH_LISTEN: `127.0.0.1:${address.port}` })
  const { ok, output } = await project.compose(['up', '--wait'])
  await new Promise((closed) => other.close(closed))
  expect(ok, output).toBe(false)
  expect(output).toMatch(/address already in use|port is already allocated/)
})

test('an upgrade interrupts requests no longer than the page says, and keeps sessions', async () => {
  await project.configure({})
  await project.mustCompose(['up', '--wait'])
  const edge = await project.client()
  const { accessToken } = await walkThrough(edge)

  const next = { AUTHSERVICE_IMAGE: 'api-server', AUTHSERVICE_OPERATOR_IMAGE: 'operator' }
  for (const [variable, name] of Object.entries(next)) {
    const repository = `ghcr.io/authservice-operator/${name}`
    await project.tag(`${repository}:${manifest.version}`, `${repository}:compose-next`)
    Object.assign(next, { [variable]: `${repository}:compose-next` })
  }
  await project.configure(next)
  const upgraded = project.mustCompose(['up', '--wait'])
  const failures = await failuresDuring(upgraded, edge)
  await upgraded

  const seconds = failures.length === 0 ? 0 : ((failures.at(-1) ?? 0) - (failures[0] ?? 0)) / 1000
  console.log(`Docker Compose: an upgrade interrupts requests for ${seconds.toFixed(1)} s`)
  expect(seconds).toBeLessThan(mostSecondsOfUpgrade)
  const images = (await project.inspect<{ Config: { Image: string } }>()).map(({ Config }) => Config.Image)
  expect(images.filter((image) => image.endsWith(':compose-next'))).toHaveLength(4)
  expect((await edge.call('GET', '/v1/auth/verify', { bearer: accessToken })).status).toBe(200)
  await edge.close()
})

test('lost passwords are replaced, and users stay', async () => {
  const edge = await project.client()
  const { email, password } = await walkThrough(edge)
  await edge.close()
  await project.mustCompose(['down'])
  await project.removeVolumes('mongodb-secrets', 'redis-secrets')
  await project.mustCompose(['up', '--wait'])
  const again = await project.client()
  expect((await again.call('POST', '/v1/auth/login', { json: { email, password } })).status).toBe(200)
  await again.close()
})

/** Sends requests until the work is done. @returns when those that failed were sent, in milliseconds */
async function failuresDuring(work: Promise<unknown>, edge: EdgeClient): Promise<number[]> {
  let isDone = false
  const ended = work.then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  const failures: number[] = []
  while (!isDone) {
    const sent = performance.now()
    const status = await edge.call('GET', '/.well-known/jwks.json').then(
      (answer) => answer.status,
      () => 0,
    )
    if (status !== 200) failures.push(sent)
    // The rate of the load: ten requests a second.
    await setTimeout(100)
  }
  await ended
  return failures
}
