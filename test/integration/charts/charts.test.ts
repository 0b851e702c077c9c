import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { EnvironmentSchema, readConfig } from '../../../operator/config.ts'
import { chartSettings } from '../../../scripts/generate/chart.ts'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { helm } from '../../../tools/checkers/helm.ts'
import {
  definitionChart,
  environmentOf,
  kustomize,
  operatorChart,
  type Rendered,
  render,
  root,
  valuesFile,
} from './charts-under-test.ts'

const fileOf = (path: string) => readFileSync(resolve(root, path), 'utf8')
const valuesNames = readdirSync(resolve(operatorChart, 'ci')).map((file) => file.replace('-values.yaml', ''))

beforeAll(async () => {
  await checker('helm')
}, 900_000)

describe('helm lint --strict', () => {
  const charts = [
    { what: 'the chart of the definitions', chart: definitionChart, options: [] },
    { what: 'the chart of the operator', chart: operatorChart, options: [] },
    ...valuesNames.map((name) => ({
      what: `the values of ${name}`,
      chart: operatorChart,
      options: ['--values', valuesFile(name)],
    })),
  ]
  test.each(charts)('accepts $what', async ({ chart, options }) => {
    const { ok, stdout } = await helm(['lint', '--strict', chart, ...options])
    expect(ok, stdout).toBe(true)
  })
})

describe('the chart of the operator', () => {
  /** The namespace is the release's: Helm creates it (--create-namespace), and does not keep it as an object. */
  const withoutNamespace = (objects: readonly Rendered[]) => objects.filter(({ kind }) => kind !== 'Namespace')

  test.each(readdirSync(resolve(root, 'manifests/overlays')))(
    'renders every object of the overlay %s',
    async (overlay) => {
      const options = overlay === 'production' ? [] : ['--values', valuesFile(overlay)]
      const expected = withoutNamespace(await kustomize(`manifests/overlays/${overlay}`))
      expect(expected.length).toBeGreaterThan(8)
      expect(await render(operatorChart, ...options)).toEqual(expected)
    },
  )

  test('renders every object of manifests/monitoring in addition to those of the overlay', async () => {
    const monitoring = await kustomize('manifests/monitoring')
    expect(monitoring).toHaveLength(3)
    const rendered = await render(operatorChart, '--values', valuesFile('monitoring'))
    expect(rendered).toHaveLength((await render(operatorChart)).length + monitoring.length)
    expect(rendered).toEqual(expect.arrayContaining(monitoring))
  })

  test('passes every setting to the operator, which accepts them', async () => {
    const environment = environmentOf(await render(operatorChart, '--values', valuesFile('everything')))
    const settings = Object.keys(chartSettings())
    expect(settings.filter((name) => !(name in environment))).toEqual([])
    const ofDeployment = ['POD_NAME', 'POD_NAMESPACE', 'METRICS_PORT']
    const others = Object.keys(EnvironmentSchema.properties).filter((name) => !ofDeployment.includes(name))
    expect(others.filter((name) => !(name in environment))).toEqual([])
    expect(readConfig({ ...environment, POD_NAMESPACE: 'system' })).toMatchObject({
      images: {
        server: 'registry.example.com/auth/api-server:0.1.0',
        nginx: 'registry.example.com/library/nginx:1.30',
      },
      watchNamespaces: ['team-a', 'team-b'],
      maxConcurrentRollouts: 1000,
      workers: 8,
      profilingPort: 6060,
      leaderElection: undefined,
      logLevel: 'debug',
    })
  })

  test('uses every value in an object', async () => {
    const objects = await render(operatorChart, '--values', valuesFile('everything'))
    const deployment = objects.find(({ kind }) => kind === 'Deployment')
    expect(deployment).toMatchObject({
      spec: {
        replicas: 1,
        template: {
          metadata: { labels: { team: 'platform' }, annotations: { 'linkerd.io/inject': 'disabled' } },
          spec: {
            imagePullSecrets: [{ name: 'registry' }],
            priorityClassName: 'important',
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            tolerations: [{ key: 'control-plane', operator: 'Exists' }],
            affinity: { nodeAffinity: expect.anything() },
            containers: [
              {
                image: `registry.example.com/auth/operator@sha256:${'0123456789abcdef'.repeat(4)}`,
                imagePullPolicy: 'Always',
                command: expect.arrayContaining(['--max-old-space-size=256']),
                env: expect.arrayContaining([{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/ssl/ca.crt' }]),
                resources: { requests: { cpu: '100m', memory: '224Mi' }, limits: { memory: '384Mi' } },
              },
            ],
          },
        },
      },
    })
    const kinds = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)
    expect(kinds).toEqual(
      expect.arrayContaining(['Role team-a', 'Role team-b', 'RoleBinding team-a', 'RoleBinding team-b']),
    )
    const absent = [
      'ClusterRole',
      'ClusterRoleBinding',
      'CustomResourceDefinition',
      'PodDisruptionBudget',
      'PriorityClass',
    ]
    expect(objects.filter(({ kind }) => absent.includes(kind))).toEqual([])
    expect(objects.find(({ kind }) => kind === 'NetworkPolicy')).toMatchObject({
      spec: {
        egress: expect.arrayContaining([
          { ports: [{ protocol: 'TCP', port: 7443 }] },
          { ports: [{ protocol: 'TCP', port: 9091 }] },
        ]),
      },
    })
    for (const kind of ['PodMonitor', 'PrometheusRule']) {
      expect(objects.find((object) => object.kind === kind)).toMatchObject({
        metadata: { labels: { release: 'prometheus' } },
      })
    }
  })

  test('tests every value', () => {
    const names = (file: string) => Object.keys(parse(fileOf(`charts/authservice-operator/${file}`)))
    expect(names('ci/everything-values.yaml').sort()).toEqual(names('values.yaml').sort())
  })

  test('uses a tag when there is no digest', async () => {
    const [rendered] = (await render(operatorChart, '--set', 'image.tag=0.2.0')).filter(
      ({ kind }) => kind === 'Deployment',
    )
    expect(rendered).toMatchObject({
      spec: { template: { spec: { containers: [{ image: 'ghcr.io/authservice-operator/operator:0.2.0' }] } } },
    })
  })

  test.each([
    ['replica=3', "additional properties 'replica' not allowed"],
    ['replicas=two', "at '/replicas': got string, want integer"],
    ['replicas=-1', "at '/replicas': minimum: got -1, want 0"],
    ['settings.WORKERS=100', "at '/settings/WORKERS': maximum: got 100, want 64"],
    ['settings.LOG_LEVEL=loud', "at '/settings/LOG_LEVEL': value must be one of 'trace', 'debug'"],
    ['settings.WATCH_NAMESPACES=team-a', "at '/settings': additional properties 'WATCH_NAMESPACES' not allowed"],
    [
      'settings.PROMETHEUS_URL=prometheus:9090',
      "at '/settings/PROMETHEUS_URL': 'prometheus:9090' does not match pattern",
    ],
    ['image.digest=latest', "at '/image/digest': 'latest' does not match pattern"],
    ['images.redis=', "at '/images/redis': minLength: got 0, want 1"],
    ['watchNamespaces={Team}', "at '/watchNamespaces/0': 'Team' does not match pattern"],
    ['watchNamespaces={a,a}', "at '/watchNamespaces': items at 0 and 1 are equal"],
    ['networkPolicy.apiServerPorts={0}', "at '/networkPolicy/apiServerPorts/0': minimum: got 0, want 1"],
    ['monitoring.interval=often', "at '/monitoring/interval': 'often' does not match pattern"],
    ['imagePullSecrets={registry}', "at '/imagePullSecrets/0': got string, want object"],
    ['crds.keep=false', "at '/crds': additional properties 'keep' not allowed"],
  ])('rejects %s with the reason', async (setting, message) => {
    await expect(render(operatorChart, '--set', setting)).rejects.toThrow(message)
  })
})

test('the chart of the definitions has those of crds/, which helm uninstall keeps', async () => {
  const rendered = await render(definitionChart)
  expect(rendered).toEqual(await kustomize('crds'))
  const kept = { 'helm.sh/resource-policy': 'keep' }
  expect(rendered.map(({ metadata }) => metadata.annotations)).toEqual([kept, kept])
})

test('charts have the version of the project', () => {
  const { version } = JSON.parse(fileOf('package.json'))
  const charts = [operatorChart, definitionChart].map((chart) => parse(fileOf(`${chart}/Chart.yaml`)))
  expect(charts).toMatchObject([
    { version, appVersion: version, dependencies: [{ name: 'authservice-operator-crds', version }] },
    { version, appVersion: version },
  ])
})
