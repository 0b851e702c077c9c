import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { AuthService } from '../../../operator/authservice/api/schema.ts'
import { conditionTypes } from '../../../operator/authservice/model/condition.ts'
import { reasons } from '../../../operator/authservice/model/reasons.ts'
import type { Operator } from '../../../operator/operator.ts'
import { apiTransport } from '../support/kube-api.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'
import { makeEverythingAvailable, untilReady } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

const path = () => `/apis/${apiVersion}/namespaces/${namespace.name}/authservices`
beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `status-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

test.each([
  ['what works', {}],
  ['what waits for a person', { ingress: { type: 'Nginx', tls: { secretName: 'missing' } } }],
  ['what is suspended', { suspend: true }],
])(
  'the first reconcile sets every condition of %s, each with its generation and a known reason',
  async (what, spec) => {
    const name = what.replaceAll(' ', '-')
    await namespace.apply(authServiceManifest(name, spec))
    const conditions = async () => (await namespace.authService(name)).status?.conditions
    await expect.poll(conditions).toBeDefined()
    const first = (await conditions()) ?? []
    expect(first.map(({ type }) => type)).toEqual(conditionTypes)
    expect(first.map(({ observedGeneration }) => observedGeneration)).toEqual(first.map(() => 1))
    expect(first.filter(({ reason }) => !(reason in reasons))).toEqual([])
  },
)

test('an AuthService that was never reconciled does not appear as current', async () => {
  const elsewhere = await Namespace.create(kubeconfigPath, `unvisited-${Date.now()}`)
  await elsewhere.apply(authServiceManifest('new'))
  // kstatus: in progress, while observedGeneration differs from metadata.generation.
  const { metadata, status } = await elsewhere.authService('new')
  expect(status?.observedGeneration).toBe(-1)
  expect(metadata.generation).toBe(1)
})

test('kubectl selects AuthServices by environment, phase and version', async () => {
  await namespace.apply(authServiceManifest('selected', { environment: 'staging', suspend: true }))
  const phaseOf = async () => (await namespace.authService('selected')).status?.phase
  await expect.poll(phaseOf).toBe('Suspended')
  const select = async (fieldSelector: string) => {
    const { items } = await apiTransport().json<{ items: AuthService[] }>({
      method: 'GET',
      path: path(),
      query: { fieldSelector },
    })
    return items.map(({ metadata }) => metadata.name)
  }
  expect(await select('spec.environment=staging')).toEqual(['selected'])
  expect(await select('spec.environment=staging,status.phase=Suspended')).toEqual(['selected'])
  expect(await select('spec.environment=staging,status.phase!=Suspended')).toEqual([])
  const { status } = await namespace.authService('selected')
  expect(await select(`status.version=${status?.version}`)).toContain('selected')
  expect(await select('status.version=none')).toEqual([])
})

describe('kubectl scale', () => {
  interface Scale extends Live {
    spec: { replicas: number }
    status: { replicas: number; selector: string }
  }
  const scaleOf = (name: string) => apiTransport().json<Scale>({ method: 'GET', path: `${path()}/${name}/scale` })
  const replicasOf = async (name: string) =>
    (await namespace.get<{ spec: { replicas: number } }>('Deployment', `${name}-blue`))?.spec.replicas
  /** While pods serve, the next one starts when the previous one is ready. */
  const replicasOnceReady = (name: string) => async () => {
    await makeEverythingAvailable(namespace)
    return replicasOf(name)
  }

  test('sets the number of server pods, and shows it with their selector', async () => {
    await namespace.apply(authServiceManifest('scaled'))
    await untilReady(namespace, 'scaled')
    await namespace.patch(kind, 'scaled', { spec: { replicas: 3 } }, 'scale')
    await expect.poll(() => replicasOf('scaled')).toBe(2)
    await expect.poll(replicasOnceReady('scaled')).toBe(3)
    await untilReady(namespace, 'scaled')
    await expect
      .poll(() => scaleOf('scaled'))
      .toMatchObject({
        spec: { replicas: 3 },
        status: { replicas: 3, selector: expect.stringContaining('app.kubernetes.io/instance=scaled') },
      })

    await namespace.patch(kind, 'scaled', { spec: { replicas: 0 } }, 'scale')
    await expect.poll(() => replicasOf('scaled')).toBe(0)
  })

  test('does not restart the remaining pods', async () => {
    await namespace.apply(authServiceManifest('steady'))
    await untilReady(namespace, 'steady')
    const template = async () =>
      (await namespace.get<Live & { spec: { template: object } }>('Deployment', 'steady-blue'))?.spec.template
    const before = await template()
    await namespace.patch(kind, 'steady', { spec: { replicas: 4 } }, 'scale')
    await expect.poll(replicasOnceReady('steady')).toBe(4)
    expect(await template()).toEqual(before)
  })

  test('is rejected while an autoscaler sets the count, with what to do instead', async () => {
    await namespace.apply(authServiceManifest('autoscaled', { autoscaling: { enabled: true } }))
    await expect(namespace.patch(kind, 'autoscaled', { spec: { replicas: 3 } }, 'scale')).rejects.toThrow(
      'write autoscaling.enabled: false',
    )
  })
})

describe('a volume', () => {
  const storage = { ephemeral: false, size: '1Gi' }
  const spec = {
    mongodb: { managed: { storage } },
    backup: { schedule: '0 3 * * *', destination: { persistentVolumeClaim: { claimName: 'nowhere' } } },
  }
  const claim = 'data-stored-mongodb-0'
  const events = () => namespace.events('stored')

  test('that is missing for backups is a warning event and in a condition, while the server is ready', async () => {
    await namespace.apply(authServiceManifest('stored', spec))
    await untilReady(namespace, 'stored')
    expect(await namespace.condition('stored', 'ProductionReady')).toContain('PersistentVolumeClaim nowhere')
    const missing = expect.stringMatching(/^Warning BackupVolumeMissing: .*PersistentVolumeClaim nowhere/)
    await expect.poll(events).toContainEqual(missing)
  })

  test('of MongoDB that is being deleted is a warning event and in a condition', async () => {
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claim },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    })
    // The API server protects it, and the controller that would remove the protection does not run here.
    await namespace.remove('PersistentVolumeClaim', claim)
    await namespace.apply(authServiceManifest('stored', { ...spec, rateLimits: { login: '7/m' } }))
    await expect
      .poll(() => namespace.condition('stored', 'MongoDBReady'))
      .toContain(`PersistentVolumeClaim ${claim} is being deleted`)
    const told = expect.stringMatching(/^Warning VolumeTerminating: PersistentVolumeClaim data-stored-mongodb-0/)
    await expect.poll(events).toContainEqual(told)
    await namespace.patch('PersistentVolumeClaim', claim, { metadata: { finalizers: null } })
  })
})

test('kubectl get shows the state in columns', async () => {
  interface Table extends Live {
    columnDefinitions: { name: string; priority: number }[]
    rows: { cells: unknown[] }[]
  }
  await namespace.apply(authServiceManifest('listed'))
  await untilReady(namespace, 'listed')
  const read = () =>
    apiTransport().json<Table>({
      method: 'GET',
      path: `${path()}/listed`,
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    })
  const { columnDefinitions, rows } = await read()
  const cells = Object.fromEntries(columnDefinitions.map(({ name }, at) => [name, rows[0]?.cells[at]]))
  expect(cells).toMatchObject({
    Name: 'listed',
    Ready: 'True',
    Phase: 'Ready',
    Version: '0.1.0',
    Replicas: 1,
    Color: 'blue',
    Endpoint: `http://listed.${namespace.name}.svc`,
    Message: 'All components are ready.',
  })
  const onlyWide = columnDefinitions.filter(({ priority }) => priority > 0).map(({ name }) => name)
  expect(onlyWide).toEqual(['Endpoint', 'Message'])
})
