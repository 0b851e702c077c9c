import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { documentedBlocks } from '../documentation/blocks.ts'
import { runnerOf, withoutSideEffects } from '../documentation/how-to-run.ts'
import { runBlock, type Sandbox } from '../documentation/run-block.ts'
import { apply, freshNamespace, kubectl, removeNamespace } from './cluster-under-test.ts'

const namespace = 'e2e-documentation'
const blocks = documentedBlocks().filter((block) => block.language === 'sh' && runnerOf(block) === 'cluster')
let sandbox: Sandbox

/** The AuthService `accounts` of the pages, with a backup, and its client `shop`. */
beforeAll(async () => {
  await freshNamespace(namespace)
  await apply(namespace, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'backups' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  })
  await apply(namespace, {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthService',
    metadata: { name: 'accounts' },
    spec: {
      environment: 'development',
      mongodb: {},
      redis: {},
      ingress: { host: 'accounts.localhost' },
      oidc: { enabled: true },
      backup: { schedule: '0 3 * * *', destination: { persistentVolumeClaim: { claimName: 'backups' } } },
    },
  })
  await apply(namespace, {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthClient',
    metadata: { name: 'shop' },
    spec: { authServiceRef: { name: 'accounts' }, redirectUris: ['https://shop.example.com/callback'] },
  })
  // The client is ready once the servers of the AuthService have loaded it.
  for (const object of ['authservice/accounts', 'authclient/shop']) {
    const wait = ['wait', '--for=condition=Ready', object, '--timeout=240s', '--namespace', namespace]
    await kubectl().run(wait, { timeoutSeconds: 260 })
  }
  const first = async (place: string, selector: string) =>
    (
      await kubectl().run(['get', 'pods', '-n', place, '-l', selector, '-o', 'jsonpath={.items[0].metadata.name}'])
    ).trim()
  const ofAccounts = 'app.kubernetes.io/instance=accounts,app.kubernetes.io/component=server'
  const { kubeconfigPath, kubectl: binary } = inject('cluster')
  sandbox = {
    kubectl: binary,
    kubeconfigPath,
    namespace,
    root: resolve(import.meta.dirname, '../..'),
    words: {
      OPERATOR_POD: await first('authservice-system', 'app.kubernetes.io/component=operator'),
      NAMESPACE: namespace,
      'team-a': namespace,
      NAME: 'accounts',
      SECRET: 'accounts-edge-tls',
      POD: await first(namespace, ofAccounts),
    },
  }
})
afterAll(() => removeNamespace(namespace))

test.each(blocks.map((block) => ({ at: `${block.page}:${block.line}`, block })))(
  'the commands at $at work on a cluster',
  async ({ block }) => {
    expect(await runBlock(withoutSideEffects(block.text), sandbox, 120)).toBe('')
  },
)
