import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntilReady } from '../../tools/cluster-client/readiness.ts'
import { apply, freshNamespace, kubectl, removeNamespace, sample } from './cluster-under-test.ts'

const namespace = 'e2e-deletion'
/** Objects that every namespace has, or that disappear by themselves. */
const notOurs = /^(configmap\/kube-root-ca\.crt|serviceaccount\/default|event.*)$/

beforeAll(async () => {
  await freshNamespace(namespace)
  const manifest = await sample('quickstart.yaml')
  manifest.metadata.name = 'short-lived'
  manifest.spec['ingress'] = { type: 'None' }
  await apply(namespace, manifest)
  await waitUntilReady(kubectl(), { namespace, name: 'short-lived', timeoutSeconds: 180 }, () => {})
}, 300_000)

afterAll(() => removeNamespace(namespace))

test('deleting the AuthService leaves only the MongoDB volume', async () => {
  expect(await everything()).toEqual(expect.arrayContaining(['deployment.apps/short-lived-blue']))
  await kubectl().run(['delete', 'authservice', 'short-lived', '--namespace', namespace, '--timeout=30s'])
  await expect
    // A container that ignores SIGTERM would keep its pod for 45 or 60 s.
    .poll(everything, { timeout: 30_000, interval: 1_000, message: 'objects in the namespace' })
    .toEqual([expect.stringMatching(/^persistentvolumeclaim\/.*short-lived-mongodb/)])
})

/** Lists every object of every kind that a namespace can have. */
async function everything(): Promise<string[]> {
  const kinds = await kubectl().run(['api-resources', '--namespaced', '--verbs=list,delete', '--output=name'])
  const names = await kubectl().run([
    'get',
    kinds
      .trim()
      .split('\n')
      .filter((kind) => !kind.startsWith('events'))
      .join(','),
    '--namespace',
    namespace,
    '--ignore-not-found',
    '--output=name',
  ])
  return names.split('\n').filter((name) => name !== '' && !notOurs.test(name))
}
