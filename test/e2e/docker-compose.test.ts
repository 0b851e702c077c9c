import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueCertificate } from '../../operator/authservice/secrets/system-sources.ts'
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { runningCluster } from '../../tools/local-cluster/cluster.ts'
import { documentedBlocks } from '../documentation/blocks.ts'
import { runnerOf } from '../documentation/how-to-run.ts'
import { ComposeProject } from './compose-project.ts'

/** Time from `docker compose up --wait` to the first login, with images present. */
const mostSeconds = 60

/** What the user of the page imports. */
const certificate = issueCertificate(['auth.localhost'], new Date())
let project: ComposeProject

beforeAll(async () => {
  project = await ComposeProject.create(await runningCluster(), 'page')
})

afterAll(() => project.remove())

describe('docs/docker-compose.md', () => {
  const blocks = documentedBlocks().filter(
    (block) => block.page === 'docs/docker-compose.md' && runnerOf(block) === 'compose',
  )
  const passed: string[] = []
  let seconds = 0

  test.each(blocks.map(({ line, text }) => ({ line, text })))('the commands at line $line work', async ({ text }) => {
    await writeFile(join(project.folder, 'fullchain.pem'), certificate['tls.crt'] ?? '')
    await writeFile(join(project.folder, 'privkey.pem'), certificate['tls.key'] ?? '')
    const script = `set -euo pipefail\n${text.replaceAll('8443', String(project.port))}`
    const started = performance.now()
    const { ok, output } = await project.run(['bash', '-c', script])
    expect(ok, output).toBe(true)
    // The first two blocks start everything, and log a user in.
    if (passed.length < 2) seconds += (performance.now() - started) / 1000
    passed.push(text)
  })

  test('shows a login within a minute of the first command', () => {
    expect(passed[0]).toBe('docker compose up --wait\n')
    expect(passed[1]).toContain('call login')
    console.log(`Docker Compose: first login and logout after ${seconds.toFixed(1)} s`)
    expect(seconds).toBeLessThan(mostSeconds)
  })
})

describe('Docker Compose', () => {
  let edge: EdgeClient

  test('keeps secrets, users and the imported certificate over down and up', async () => {
    const ofThePage = { email: 'ada@example.com', password: 'correct horse battery staple' }
    await project.mustCompose(['up', '--wait'])
    edge = await project.client(certificate['ca.crt'])
    expect((await edge.call('POST', '/v1/auth/login', { json: ofThePage })).status).toBe(200)
    const { body } = await edge.call('GET', '/.well-known/jwks.json')
    expect(body, 'the first key, and the one that the page adds').toMatchObject({ keys: [{}, {}] })
  })

  test('starts nothing again that has not changed', async () => {
    const { accessToken } = await walkThrough(edge)
    const ids = async () => (await project.mustCompose(['ps', '--quiet'])).split('\n').sort()
    const before = await ids()
    await project.mustCompose(['up', '--wait'])
    expect(await ids()).toEqual(before)
    expect((await edge.call('GET', '/v1/auth/verify', { bearer: accessToken })).status).toBe(200)
    await edge.close()
  })
})

interface Container {
  Name: string
  Config: { User: string; Labels: Record<string, string> }
  HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[]; SecurityOpt: string[]; Memory: number; PidsLimit: number }
  NetworkSettings: { Ports: Record<string, unknown[] | null> }
  Mounts: { Destination: string; Name: string }[]
}

describe('a container of Docker Compose', () => {
  const serviceOf = ({ Config }: Container) => Config.Labels['com.docker.compose.service'] ?? ''

  test('is restricted, and only the edge has a port of the machine', async () => {
    const containers = await project.inspect<Container>()
    expect(containers.map(serviceOf).sort()).toEqual([
      'edge',
      'migrate',
      'mongodb',
      'mongodb-setup',
      'redis',
      'server',
      'setup',
    ])
    for (const container of containers) {
      const service = serviceOf(container)
      const { ReadonlyRootfs, CapDrop, SecurityOpt, Memory, PidsLimit } = container.HostConfig
      expect({ ReadonlyRootfs, CapDrop, SecurityOpt }, service).toEqual({
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
      })
      expect(Memory, service).toBeGreaterThan(0)
      expect(PidsLimit, service).toBeGreaterThan(0)
      expect(container.Config.User, service).toMatch(service === 'setup' ? /^0:0$/ : /^[1-9]/)
      const published = Object.values(container.NetworkSettings.Ports).filter((ports) => ports !== null)
      expect(published, service).toHaveLength(service === 'edge' ? 1 : 0)
    }
  })

  test('shows no secret in its definition, and reads only those that are for it', async () => {
    const read = (service: string, file: string) => project.mustCompose(['exec', '-T', service, 'cat', file])
    const url = await read('server', '/etc/authservice/mongodb-url')
    const secrets = [
      new URL(url).password,
      await read('server', '/etc/authservice/redis-password'),
      await read('edge', '/etc/edge/secret/secret'),
      await read('mongodb', '/etc/mongodb-secret/admin-password'),
    ]
    expect(secrets.filter((secret) => secret.length < 43)).toEqual([])
    const definitions = JSON.stringify(await project.inspect())
    expect(secrets.filter((secret) => definitions.includes(secret))).toEqual([])

    const modes = await project.mustCompose([
      'exec',
      '-T',
      'server',
      'find',
      '-L',
      '/etc/authservice',
      '-type',
      'f',
      '-printf',
      '%m %U:%G\n',
    ])
    expect(new Set(modes.trim().split('\n'))).toEqual(new Set(['440 0:65532']))
    const shared = await project.compose(['exec', '-T', 'redis', 'ls', '/etc/authservice', '/etc/mongodb-secret'])
    expect(shared.ok, shared.output).toBe(false)
  })
})
