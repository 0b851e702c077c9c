import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { EnvironmentSchema, secretVariables } from '@authservice-operator/contract/environment.ts'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { resolveSpec } from '../authservice/api/defaults.ts'
import { renderMongoDb } from '../authservice/resources/databases/mongodb.ts'
import { renderRedis } from '../authservice/resources/databases/redis.ts'
import { users } from '../authservice/resources/pod-security.ts'
import type { RenderInput } from '../authservice/resources/render-input.ts'
import { nodeOptions } from '../authservice/resources/server/node-limits.ts'
import { volumeNames } from './decide-files.ts'

interface Service {
  image: string
  user?: string
  restart: string
  command?: string[]
  entrypoint?: string[]
  environment?: Record<string, string>
  healthcheck?: object
  ports?: string[]
  networks?: string[]
  volumes?: string[]
  tmpfs?: string[]
  depends_on?: Record<string, { condition: string }>
  read_only: boolean
  cap_drop: string[]
  cap_add?: string[]
  security_opt: string[]
  deploy: { resources: { limits: { memory: string; pids: number } } }
}

const read = (file: string) => readFileSync(resolve(import.meta.dirname, '../..', file), 'utf8')
const file: { services: Record<string, Service>; networks: object; volumes: object } = parse(read('compose.yaml'), {
  merge: true,
})
const services = Object.entries(file.services)
const service = (name: string): Service => {
  const found = file.services[name]
  if (found === undefined) throw new Error(`compose.yaml has no service ${name}`)
  return found
}
const jobs = ['setup', 'mongodb-setup', 'migrate']

describe('the images of compose.yaml', () => {
  const deployment: string = read('manifests/base/deployment.yaml')
  const defaultOf = (name: string) => /^\$\{AUTHSERVICE_(?:[A-Z]+_)?IMAGE:-(.+)\}$/.exec(service(name).image)?.[1]

  test('are those of the operator, in the version of the project', () => {
    expect(defaultOf('server')).toBe(`ghcr.io/authservice-operator/api-server:${manifest.version}`)
    expect(defaultOf('setup')).toBe(`ghcr.io/authservice-operator/operator:${manifest.version}`)
    for (const name of ['server', 'mongodb', 'redis', 'edge']) {
      expect(deployment, name).toContain(`value: "${defaultOf(name)}"`)
    }
    expect(service('migrate').image).toBe(service('server').image)
    expect(service('mongodb-setup').image).toBe(service('server').image)
  })

  test('stand in one place each, which a release can find and replace', () => {
    const references = read('compose.yaml').match(/\$\{AUTHSERVICE_\w*IMAGE:-[^}]+\}/g) ?? []
    expect(new Set(references).size).toBe(references.length)
    expect(references).toHaveLength(5)
  })

  test('of this project are built by compose.build.yaml', () => {
    const built: { services: Record<string, { build: { dockerfile: string } }> } = parse(read('compose.build.yaml'))
    const images = Object.entries(built.services).map(([name, { build }]) => [build.dockerfile, defaultOf(name)])
    expect(images).toEqual([
      ['Dockerfile.operator', defaultOf('setup')],
      ['Dockerfile.api', defaultOf('server')],
    ])
  })
})

describe('each service', () => {
  test.each(services)('%s has no right that it does not need, and bounds', (name, one) => {
    expect(one).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      restart: jobs.includes(name) ? 'no' : 'unless-stopped',
      deploy: { resources: { limits: { memory: expect.any(String), pids: expect.any(Number) } } },
    })
    expect(one.cap_add).toEqual(name === 'setup' ? ['CHOWN'] : undefined)
    expect(one.ports?.length).toBe(name === 'edge' ? 1 : undefined)
  })

  test('starts when what it needs is healthy or done, and is waited for', () => {
    const conditions = services.flatMap(([, one]) => Object.entries(one.depends_on ?? {}))
    expect(conditions.length).toBeGreaterThan(7)
    for (const [name, { condition }] of conditions) {
      expect(condition, name).toBe(jobs.includes(name) ? 'service_completed_successfully' : 'service_healthy')
    }
    // Compose takes the end of a job for a failure if nothing depends on it.
    for (const job of jobs) expect(conditions.map(([name]) => name)).toContain(job)
    expect(services.filter(([, { healthcheck }]) => healthcheck === undefined).map(([name]) => name)).toEqual(jobs)
  })

  test('mounts the secrets of no other', () => {
    const mounts = (name: string) =>
      (service(name).volumes ?? []).map((volume) => volume.replace(/^(\S+?):.*?(:ro)?$/, '$1$2'))
    expect(mounts('mongodb')).toEqual(['mongodb-data', 'mongodb-secrets:ro'])
    expect(mounts('mongodb-setup')).toEqual(['mongodb-secrets:ro'])
    expect(mounts('redis')).toEqual(['redis-data', 'redis-secrets:ro'])
    expect(mounts('migrate')).toEqual(['server-secrets:ro'])
    expect(mounts('server')).toEqual(['server-secrets:ro'])
    expect(mounts('edge')).toEqual(['edge:ro'])
    const written = service('setup').volumes?.map((volume) => volume.replace(/^.*:\/setup\//, ''))
    expect(new Set(volumeNames.map((path) => path.replace(/\/.*/, '')))).toEqual(new Set(written))
  })
})

describe('what the operator runs, compose.yaml runs as well:', () => {
  const metadata = { name: 'accounts', namespace: 'team-a' }
  const spec = { environment: 'production', mongodb: { managed: {} }, redis: { managed: {} } } as const
  // Nothing else of the input is read.
  const input = {
    owner: { ...metadata, uid: 'uid' },
    resolved: resolveSpec({ metadata, spec: { ...spec, ingress: { host: 'a' } } }),
    images: { redis: 'redis', mongodb: 'mongodb', setup: 'setup' },
    secrets: [],
  } as unknown as RenderInput
  /** The command line of a program in the shell of the first container. */
  const programOf = (children: unknown, program: string) =>
    new RegExp(`exec ${program} .*?(?=")`).exec(JSON.stringify(children).replaceAll('\\"', "'"))?.[0]
  const commandOf = (name: string) => JSON.stringify(service(name).entrypoint).replaceAll('\\"', "'")

  test('MongoDB, with the same options and user', () => {
    const program = programOf(renderMongoDb(input), 'mongod')?.replace('$ipv6 ', '')
    expect(program).toContain('--keyFile')
    expect(commandOf('mongodb')).toContain(program)
    for (const name of ['mongodb', 'mongodb-setup'])
      expect(service(name).user).toBe(`${users.mongodb}:${users.mongodb}`)
  })

  test('Redis, with the same options and user', () => {
    const program = programOf(renderRedis(input), 'redis-server')
    expect(program).toContain('noeviction')
    expect(commandOf('redis')).toContain(program)
    expect(service('redis').user).toBe(`${users.redis}:${users.redis}`)
  })

  test('Nginx and the server, with the same user and heap', () => {
    expect(service('edge').user).toBe(`${users.nginx}:${users.nginx}`)
    expect(service('server').command).toEqual(['node', ...nodeOptions(input.resolved.resources), 'server.js'])
    expect(service('setup').entrypoint).toEqual(['node', 'compose-setup.js'])
  })
})

test('the server gets only variables that it reads', () => {
  const known = [...Object.keys(EnvironmentSchema.properties), ...secretVariables.map((name) => `${name}_FILE`)]
  const given = Object.keys(service('server').environment ?? {})
  expect(given.filter((name) => !known.includes(name))).toEqual([])
  expect(service('migrate').environment).toEqual(service('server').environment)
})
