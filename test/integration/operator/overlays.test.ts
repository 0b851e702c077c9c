import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { execa } from 'execa'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { kubernetesBinaries } from '../../servers/binaries.ts'

const folder = resolve(import.meta.dirname, '../../../manifests/overlays')

interface Built {
  kind: string
  metadata: { name: string; namespace?: string }
  spec?: { template: { spec: { containers: { env?: { name: string; value?: string }[] }[] } } }
}

let kubectl: string
beforeAll(async () => {
  kubectl = (await kubernetesBinaries()).kubectl
  for (const name of ['authservice-system', 'team-a']) {
    await apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }])
  }
})

/** What `kubectl apply -k` would send. */
async function build(overlay: string): Promise<Built[]> {
  const { stdout } = await execa(kubectl, ['kustomize', resolve(folder, overlay)])
  return parseAllDocuments(stdout).map((document) => document.toJS())
}

async function apply(objects: object[], ...options: string[]): Promise<string> {
  const connection = ['--kubeconfig', inject('apiServer').kubeconfigPath]
  const input = objects.map((object) => stringify(object)).join('---\n')
  const { stdout } = await execa(
    kubectl,
    [...connection, 'apply', '--server-side', '--force-conflicts', '--validate=strict', ...options, '-f', '-'],
    { input },
  )
  return stdout
}

const ofWholeCluster = (objects: readonly Built[]) =>
  objects.map(({ kind }) => kind).filter((kind) => kind.startsWith('ClusterRole'))

describe.each(readdirSync(folder))('the overlay %s', (overlay) => {
  test('is taken by an API server as it is', async () => {
    const objects = await build(overlay)
    const answer = await apply(objects, '--dry-run=server')
    expect(answer.split('\n')).toHaveLength(objects.length)
    expect(answer).toContain('deployment.apps/authservice-operator serverside-applied')
  })

  test('has one set of rights', async () => {
    const expected = overlay === 'namespaced' ? [] : ['ClusterRole', 'ClusterRoleBinding']
    expect(ofWholeCluster(await build(overlay)).sort()).toEqual(expected)
  })
})

test('the overlay for namespaces watches the namespaces that it has Roles in', async () => {
  const objects = await build('namespaced')
  const [container] = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template.spec.containers ?? []
  const watched = container?.env?.find(({ name }) => name === 'WATCH_NAMESPACES')?.value
  const bound = objects.filter(
    ({ kind, metadata }) => kind === 'RoleBinding' && metadata.namespace !== 'authservice-system',
  )
  expect(bound.map(({ metadata }) => metadata.namespace).join()).toBe(watched)
})
