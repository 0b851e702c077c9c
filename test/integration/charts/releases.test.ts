import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { helm } from '../../../tools/checkers/helm.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'
import { startKubeApiserver, type TestApiServer } from '../../../tools/local-servers/kube-apiserver.ts'
import { environmentOf, idOf, operatorChart, type Rendered, root, system } from './charts-under-test.ts'

/** Of its own: a release owns objects of the whole cluster, the definition included. */
let apiServer: TestApiServer
let kubectl: string
beforeAll(async () => {
  await checker('helm')
  kubectl = (await kubernetesBinaries()).kubectl
  apiServer = await startKubeApiserver()
}, 900_000)
afterAll(() => apiServer.stop())

const release = ['authservice-operator', operatorChart, '--namespace', system]

async function runHelm(...programArguments: string[]): Promise<string> {
  const { ok, stdout, stderr } = await helm(programArguments, apiServer.kubeconfigPath)
  if (!ok) throw new Error(stderr)
  return stdout
}

async function runKubectl(programArguments: string[], input = ''): Promise<string> {
  const { stdout } = await execa(kubectl, ['--kubeconfig', apiServer.kubeconfigPath, ...programArguments], { input })
  return stdout
}

/** Objects of these kinds that belong to the operator. */
async function get(kinds: string): Promise<Rendered[]> {
  const answer = await runKubectl(['get', kinds, '--all-namespaces', '--output', 'json'])
  const { items }: { items: Rendered[] } = JSON.parse(answer)
  return items.filter(({ metadata }) => /authservice|authclient/.test(metadata.name))
}

const namesOf = async (kinds: string) => (await get(kinds)).map(idOf).sort()

async function operatorNow() {
  const deployments = await get('deployments')
  return { replicas: deployments[0]?.spec?.replicas, logLevel: environmentOf(deployments)['LOG_LEVEL'] }
}

test('a release is installed, upgraded, rolled back and uninstalled, and the AuthServices stay', async () => {
  expect(await runHelm('install', ...release, '--create-namespace')).toContain('The operator watches all namespaces.')
  expect(await operatorNow()).toEqual({ replicas: 2, logLevel: undefined })
  const accounts = {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthService',
    metadata: { name: 'accounts', namespace: 'default' },
    spec: { environment: 'development', mongodb: {}, redis: {} },
  }
  // The API server serves a kind some time after it has its definition.
  const apply = () => runKubectl(['apply', '--server-side', '--filename', '-'], stringify(accounts)).catch(String)
  await expect.poll(apply).toMatch(/serverside-applied$/)

  await runHelm('upgrade', ...release, '--set', 'replicas=3,settings.LOG_LEVEL=debug')
  expect(await operatorNow()).toEqual({ replicas: 3, logLevel: 'debug' })

  await runHelm('rollback', 'authservice-operator', '1', '--namespace', system)
  expect(await operatorNow()).toEqual({ replicas: 2, logLevel: undefined })

  await runKubectl(['create', 'namespace', 'team-a'])
  await runHelm('upgrade', ...release, '--set', 'watchNamespaces={team-a}')
  expect(await namesOf('clusterroles,clusterrolebindings')).toEqual([])
  expect(await namesOf('roles')).toEqual([
    'Role authservice-system/authservice-operator-leader-election',
    'Role team-a/authservice-operator',
  ])

  await runHelm('uninstall', 'authservice-operator', '--namespace', system)
  expect(await namesOf('deployments,roles,rolebindings,serviceaccounts,priorityclasses,networkpolicies')).toEqual([])
  expect(await namesOf('customresourcedefinitions')).toEqual([
    'CustomResourceDefinition /authclients.auth-operator.dev',
    'CustomResourceDefinition /authservices.auth-operator.dev',
  ])
  expect(await runKubectl(['get', 'authservices', '--output', 'name'])).toBe('authservice.auth-operator.dev/accounts')

  await runHelm('install', ...release)
  expect(await operatorNow()).toEqual({ replicas: 2, logLevel: undefined })
  await runHelm('uninstall', 'authservice-operator', '--namespace', system)
}, 180_000)

test('a release takes over the objects that kubectl apply -k installed', async () => {
  await runKubectl(['apply', '--server-side', '--kustomize', `${root}/manifests/overlays/production`])
  await expect(runHelm('install', ...release)).rejects.toThrow('cannot be imported into the current release')
  await runHelm('install', ...release, '--take-ownership', '--force-conflicts')
  expect(await operatorNow()).toEqual({ replicas: 2, logLevel: undefined })
  await runHelm('uninstall', 'authservice-operator', '--namespace', system)
  expect(await namesOf('deployments')).toEqual([])
}, 120_000)
