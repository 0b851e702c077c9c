import { globSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { conditionTypes } from '../../../operator/authservice/model/condition.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import { installDefinition, readDefinition } from '../../../tools/local-servers/install-definition.ts'
import { startKubeApiserver, type TestApiServer } from '../../../tools/local-servers/kube-apiserver.ts'
import type { Schema } from '../../unit/stored-objects/narrowings.ts'
import { kubeConfigAt } from '../support/kube-api.ts'
import { authServiceManifest, Namespace, type ObjectManifest } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'
import { storedStatuses } from './stored-statuses.ts'

const folder = resolve(import.meta.dirname, '../../releases/0.1.0')
const released = parse(readFileSync(resolve(folder, 'definition.yaml'), 'utf8'))
const samples = globSync('samples/*.yaml', { cwd: folder }).flatMap((file) =>
  parseAllDocuments(readFileSync(resolve(folder, file), 'utf8'))
    .map((document): ObjectManifest => document.toJS())
    .filter((object) => object.kind === kind)
    .map(({ spec }) => ({ name: basename(file, '.yaml'), spec })),
)
const stored = [...samples.map(({ name }) => name), ...storedStatuses.keys()]

/** Its own, because it replaces the definition that all other tests use. */
let server: TestApiServer
let transport: Transport
let namespace: Namespace

const path = (name = '') => `/apis/${apiVersion}/namespaces/${namespace.name}/authservices/${name}`
const strict = { fieldValidation: 'Strict' }

beforeAll(async () => {
  server = await startKubeApiserver()
  transport = new Transport(kubeConfigAt(server.kubeconfigPath), 'a-user')
  namespace = await Namespace.create(server.kubeconfigPath, 'stored', {}, released)
  for (const { name, spec } of samples) await store({ apiVersion, kind, metadata: { name }, spec })
  for (const [name, status] of storedStatuses) {
    await store(authServiceManifest(name))
    const body = { ...(await namespace.authService(name)), status }
    await transport.json({ method: 'PUT', path: `${path(name)}/status`, query: strict, body })
  }
  await installDefinition(new KubeClient(transport, 'a-user'))
  const { description } = (await readDefinition()).spec.versions[0].schema.openAPIV3Schema
  await vi.waitFor(async () => expect(await publishedSchema()).toContain(description), 30_000)
})
afterAll(async () => {
  transport.close()
  await server.stop()
})

async function store(manifest: object): Promise<void> {
  await transport.json({ method: 'POST', path: path(), query: strict, body: manifest })
}

/** The schema that the API server publishes. It changes after the definition. */
async function publishedSchema(): Promise<string> {
  return JSON.stringify(await transport.json({ method: 'GET', path: `/openapi/v3/apis/${apiVersion}` }))
}

test('the stored statuses have every field that release 0.1.0 could write', () => {
  const schema: Schema = released.spec.versions[0].schema.openAPIV3Schema.properties.status
  for (const status of storedStatuses.values()) expect(fieldsOf(status)).toEqual(fieldsOfSchema(schema))
})

describe('an AuthService that release 0.1.0 stored', () => {
  test.each(stored)('%s can be changed and replaced', async (name) => {
    await namespace.patch(kind, name, { spec: { rollout: { progressDeadlineSeconds: 500 } } })
    const live = await namespace.authService(name)
    const body = { ...live, metadata: { ...live.metadata, labels: { edited: 'true' } } }
    await transport.json({ method: 'PUT', path: path(name), query: strict, body })
  })

  test('keeps its status', async () => {
    for (const [name, status] of storedStatuses) expect((await namespace.authService(name)).status).toEqual(status)
  })

  test('is reconciled by the operator, in whatever phase it was', { timeout: 120_000 }, async () => {
    const operator = startOperator(server.kubeconfigPath, namespace)
    try {
      for (const name of stored) {
        const observed = async () => {
          const { metadata, status } = await namespace.authService(name)
          const conditions = (status?.conditions ?? []).filter((one) => one.observedGeneration === metadata.generation)
          return {
            isCurrent: status?.observedGeneration === metadata.generation,
            types: conditions.map(({ type }) => type),
          }
        }
        await expect.poll(observed, { message: name }).toEqual({ isCurrent: true, types: [...conditionTypes] })
      }
    } finally {
      await operator.stop()
    }
  })
})

/** Paths of all fields in a value. */
function fieldsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((entry) => fieldsOf(entry, `${at}[]`))
  if (typeof value !== 'object' || value === null) return [at]
  return Object.entries(value)
    .flatMap(([name, entry]) => fieldsOf(entry, `${at}.${name}`))
    .sort()
}

/** Paths of all fields in a schema. */
function fieldsOfSchema({ properties, items }: Schema, at = ''): string[] {
  if (items !== undefined) return fieldsOfSchema(items, `${at}[]`)
  if (properties === undefined) return [at]
  return Object.entries(properties)
    .flatMap(([name, schema]) => fieldsOfSchema(schema, `${at}.${name}`))
    .sort()
}
