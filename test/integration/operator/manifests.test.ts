import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { customResourceDefinition } from '../../../operator/authservice/api/crd.ts'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { apiTransport } from '../kube/api.ts'
import { Namespace } from './namespace.ts'
import { rightChanges, wrongChanges, wrongManifests } from './wrong-manifests.ts'

const root = resolve(import.meta.dirname, '../../..')
let namespace: Namespace

beforeAll(async () => {
  namespace = await Namespace.create(inject('apiServer').kubeconfigPath, `manifests-${Date.now()}`)
})

const rightSpec = { mongodb: {}, redis: {} }

/** What `kubectl create --dry-run=server` does: everything but storing it. @throws KubeError with the server's words */
async function tryToCreate(manifest: object): Promise<void> {
  await apiTransport().json({
    method: 'POST',
    path: `/apis/${apiVersion}/namespaces/${namespace.name}/authservices`,
    query: { dryRun: 'All', fieldValidation: 'Strict' },
    body: manifest,
  })
}

/** What `kubectl apply` does to one that is there. */
const apply = (name: string, spec: object) => namespace.apply({ apiVersion, kind, metadata: { name }, ...{ spec } })

describe('the API server refuses', () => {
  test('at least 60 kinds of mistake in what follows', () => {
    expect(wrongManifests.length + wrongChanges.length).toBeGreaterThanOrEqual(60)
  })

  test('what breaks each rule of the schema', () => {
    const says = [...wrongManifests, ...wrongChanges].map((wrong) => wrong.says)
    const rules = messagesIn(customResourceDefinition())
    expect(rules.length).toBeGreaterThan(20)
    expect(rules.filter((message) => !says.some((part) => message.includes(part)))).toEqual([])
  })

  test.each(wrongManifests)('$what', async ({ name = 'accounts', spec = rightSpec, says }) => {
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

test('kubectl explain shows the defaults of each environment, and what is not acted upon yet', async () => {
  interface Schema {
    description?: string
    properties?: Record<string, Schema>
  }
  // What kubectl explain reads.
  const { components } = await apiTransport().json<{ components: { schemas: Record<string, Schema> } }>({
    method: 'GET',
    path: `/openapi/v3/apis/${apiVersion}`,
  })
  const ofKind = Object.entries(components.schemas).find(([name]) => name.endsWith(`.${kind}`))?.[1]
  const field = (...path: string[]) =>
    path.reduce<Schema | undefined>((schema, step) => schema?.properties?.[step], ofKind)?.description
  expect(field('spec', 'autoscaling', 'maxReplicas')).toBe(
    'Most pods. Default: development: `3`; staging: `6`; production: `20`.',
  )
  expect(field('spec', 'tokens', 'accessTokenLifetime')).toContain('Default: `15m`.')
})

interface Found {
  file: string
  /** Which one of the file. */
  index: number
  manifest: { kind: string; metadata: object }
}

/** Every AuthService in files, which hold YAML in one or several pieces. */
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
