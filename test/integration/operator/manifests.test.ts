import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { customResourceDefinition } from '../../../operator/authservice/api/crd.ts'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Resource } from '../../../operator/kube/objects.ts'
import { definitions } from '../../../tools/local-servers/install-definition.ts'
import { apiClient, apiTransport } from '../support/kube-api.ts'
import { Namespace } from '../support/namespace.ts'
import { rightChanges, wrongChanges, wrongManifests } from './wrong-manifests.ts'

const root = resolve(import.meta.dirname, '../../..')
let namespace: Namespace

beforeAll(async () => {
  namespace = await Namespace.create(inject('apiServer').kubeconfigPath, `manifests-${Date.now()}`)
})

/**
 * The effect of `kubectl create --dry-run=server`: everything except storing the object. @throws KubeError with the
 * error of the server
 */
async function tryToCreate(manifest: object): Promise<void> {
  await apiTransport().json({
    method: 'POST',
    path: `/apis/${apiVersion}/namespaces/${namespace.name}/authservices`,
    query: { dryRun: 'All', fieldValidation: 'Strict' },
    body: manifest,
  })
}

/** The effect of `kubectl apply` on an existing object. */
const apply = (name: string, spec: object) => namespace.apply({ apiVersion, kind, metadata: { name }, spec })

describe('the API server rejects', () => {
  test('at least 60 kinds of invalid manifests in these tables', () => {
    expect(wrongManifests.length + wrongChanges.length).toBeGreaterThanOrEqual(60)
  })

  test('a violation of each rule of the schema', () => {
    const says = [...wrongManifests, ...wrongChanges].map((wrong) => wrong.says)
    const rules = messagesIn(customResourceDefinition())
    expect(rules.length).toBeGreaterThan(20)
    expect(rules.filter((message) => !says.some((part) => message.includes(part)))).toEqual([])
  })

  test.each(wrongManifests)('$what', async ({ name, spec, says }) => {
    await expect(tryToCreate({ apiVersion, kind, metadata: { name }, spec })).rejects.toThrow(says)
  })

  test.each(wrongChanges)('$what', async ({ what, from, to, says }) => {
    const name = nameOf(what)
    await apply(name, from)
    await expect(apply(name, to)).rejects.toThrow(says)
  })
})

describe('the API server accepts', () => {
  test.each(rightChanges)('$what', async ({ what, from, to }) => {
    const name = nameOf(what)
    await apply(name, from)
    await apply(name, to)
  })

  test.each(authServicesIn(globSync('manifests/samples/*.yaml', { cwd: root }), (text) => [text]))(
    'the sample $file',
    async ({ manifest }) => tryToCreate(inNamespace(manifest)),
  )

  const pages = globSync(['README.md', 'docs/**/*.md'], { cwd: root })
  test.each(authServicesIn(pages, yamlBlocksOf))('the snippet $index of $file', async ({ manifest }) =>
    tryToCreate(inNamespace(manifest)),
  )
})

describe('an AuthService that was stored before its environment had to be written', () => {
  const group = 'stored.example'
  const stored: Resource = { apiVersion: `${group}/v1alpha1`, kind, plural: 'authservices', namespaced: true }
  const old = { mongodb: {}, redis: {}, autoscaling: { enabled: false }, replicas: 1 }
  const patch = (spec: object, subresource?: string) => {
    const target = { namespace: namespace.name, name: 'old', ...(subresource && { subresource }) }
    return apiClient().mergePatch(stored, target, { [subresource ?? 'spec']: spec })
  }

  beforeAll(async () => {
    await installInGroup(group, false)
    const metadata = { name: 'old', namespace: namespace.name }
    const create = (name: string) =>
      apiClient().create(stored, {
        apiVersion: stored.apiVersion,
        kind,
        metadata: { ...metadata, name },
        spec: old,
      })
    await vi.waitFor(() => create('old'), 40_000)
    await installInGroup(group, true)
    // The new rules are in effect once this is rejected.
    const refusal = async () => String(await create(`new-${Date.now()}`).catch((error) => error))
    await vi.waitFor(async () => expect(await refusal()).toContain('spec.environment: Required value'), 40_000)
  })
  afterAll(() => apiClient().delete(definitions, { name: `authservices.${group}` }))

  test('can be changed, and the operator can write its status', async () => {
    await patch({ replicas: 3 })
    await patch({ observedGeneration: 2 }, 'status')
  })

  test('keeps its environment once it is set', async () => {
    await patch({ environment: 'development' })
    await expect(patch({ environment: null })).rejects.toThrow('spec.environment: Required value')
  })
})

/** The CustomResourceDefinition of AuthServices in a group of this test, with its rules or without them. */
async function installInGroup(group: string, hasRules: boolean): Promise<void> {
  const definition = customResourceDefinition()
  const own = { ...definition, metadata: { name: `authservices.${group}` }, spec: { ...definition.spec, group } }
  const text = JSON.stringify(own, (key, value) =>
    key === 'x-kubernetes-validations' && !hasRules ? undefined : value,
  )
  await apiClient().apply(definitions, JSON.parse(text))
}

test('kubectl explain shows the defaults of each environment', async () => {
  interface Schema {
    description?: string
    properties?: Record<string, Schema>
  }
  // The input of kubectl explain.
  const published = async () => {
    const { components } = await apiTransport().json<{ components: { schemas: Record<string, Schema> } }>({
      method: 'GET',
      path: `/openapi/v3/apis/${apiVersion}`,
    })
    return Object.entries(components.schemas).find(([name]) => name.endsWith(`.${kind}`))?.[1]
  }
  // The API server publishes the schema some time after it serves the kind.
  await expect.poll(() => published().catch(String)).toHaveProperty('properties')
  const ofKind = await published()
  const field = (...path: string[]) =>
    path.reduce<Schema | undefined>((schema, step) => schema?.properties?.[step], ofKind)?.description
  expect(field('spec', 'autoscaling', 'maxReplicas')).toBe(
    'Maximum number of pods. Default: development: `3`; staging: `6`; production: `20`.',
  )
  expect(field('spec', 'tokens', 'accessTokenLifetime')).toContain('Default: `15m`.')
})

interface Found {
  file: string
  /** Its position in the file. */
  index: number
  manifest: { kind: string; metadata: object }
}

/** Every AuthService in files, which contain YAML in one or several documents. */
function authServicesIn(files: readonly string[], piecesOf: (text: string) => readonly string[]): Found[] {
  return files.flatMap((file) =>
    piecesOf(readFileSync(join(root, file), 'utf8'))
      .flatMap((piece) => parseAllDocuments(piece).map((document): Found['manifest'] | null => document.toJS()))
      .filter((manifest) => manifest?.kind === kind)
      .flatMap((manifest, at) => (manifest === null ? [] : [{ file, index: at + 1, manifest }])),
  )
}

function yamlBlocksOf(page: string): string[] {
  return [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
}

/** The messages of every rule, at any depth. */
function messagesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'x-kubernetes-validations' ? value.map(({ message }: { message: string }) => message) : messagesIn(value),
  )
}

function inNamespace(manifest: Found['manifest']): object {
  return { ...manifest, metadata: { ...manifest.metadata, namespace: namespace.name } }
}

function nameOf(what: string): string {
  return what
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '-')
    .slice(0, 38)
}
