import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { conditionTypes } from '../../../operator/authservice/conditions.ts'
import { reasons } from '../../../operator/authservice/reasons.ts'
import type { Operator } from '../../../operator/operator.ts'
import { apiTransport } from '../kube/api.ts'
import { developmentSpec, type Live, Namespace } from './namespace.ts'
import { startOperator } from './operator-under-test.ts'
import { makeEverythingAvailable } from './simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

const path = () => `/apis/${apiVersion}/namespaces/${namespace.name}/authservices`
const authService = (name: string, spec: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name },
  ...{ spec: { ...developmentSpec, ...spec } },
})

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `status-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

async function untilReady(name: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await makeEverythingAvailable(namespace)
        return namespace.condition(name, 'Ready')
      },
      { timeout: 20_000, interval: 200 },
    )
    .toMatch(/^True/)
}

test.each([
  ['what works', {}],
  ['what waits for a person', { ingress: { type: 'Nginx', tls: { secretName: 'missing' } } }],
  ['what is suspended', { suspend: true }],
])('the first visit sets every condition of %s, each with its generation and a known reason', async (what, spec) => {
  const name = what.replaceAll(' ', '-')
  await namespace.apply(authService(name, spec))
  const conditions = async () => (await namespace.authService(name)).status?.conditions
  await expect.poll(conditions, { timeout: 15_000 }).toBeDefined()
  const first = (await conditions()) ?? []
  expect(first.map(({ type }) => type)).toEqual(conditionTypes)
  expect(first.map(({ observedGeneration }) => observedGeneration)).toEqual(first.map(() => 1))
  expect(first.filter(({ reason }) => !(reason in reasons))).toEqual([])
})

test('an AuthService that was never visited does not read as settled', async () => {
  const elsewhere = await Namespace.create(kubeconfigPath, `unvisited-${Date.now()}`)
  await elsewhere.apply(authService('new'))
  // kstatus: in progress, while observedGeneration is another one than metadata.generation.
  const { metadata, status } = await elsewhere.authService('new')
  expect(status?.observedGeneration).toBe(-1)
  expect(metadata.generation).toBe(1)
})

describe('kubectl scale', () => {
  interface Scale extends Live {
    spec: { replicas: number }
    status: { replicas: number; selector: string }
  }
  const scaleOf = (name: string) => apiTransport().json<Scale>({ method: 'GET', path: `${path()}/${name}/scale` })
  const replicasOf = async (name: string) =>
    (await namespace.get<{ spec: { replicas: number } }>('Deployment', `${name}-blue`))?.spec.replicas
  /** While pods serve, the next one starts when the one before is ready. */
  const replicasOnceReady = (name: string) => async () => {
    await makeEverythingAvailable(namespace)
    return replicasOf(name)
  }

  test('sets the count of server pods, and shows it with their selector', async () => {
    await namespace.apply(authService('scaled'))
    await untilReady('scaled')
    await namespace.patch(kind, 'scaled', { spec: { replicas: 3 } }, 'scale')
    await expect.poll(() => replicasOf('scaled'), { timeout: 10_000 }).toBe(2)
    await expect.poll(replicasOnceReady('scaled'), { timeout: 10_000 }).toBe(3)
    await untilReady('scaled')
    await expect
      .poll(() => scaleOf('scaled'), { timeout: 10_000 })
      .toMatchObject({
        spec: { replicas: 3 },
        status: { replicas: 3, selector: expect.stringContaining('app.kubernetes.io/instance=scaled') },
      })

    await namespace.patch(kind, 'scaled', { spec: { replicas: 0 } }, 'scale')
    await expect.poll(() => replicasOf('scaled'), { timeout: 10_000 }).toBe(0)
  })

  test('does not restart the pods that stay', async () => {
    await namespace.apply(authService('steady'))
    await untilReady('steady')
    const template = async () =>
      (await namespace.get<Live & { spec: { template: object } }>('Deployment', 'steady-blue'))?.spec.template
    const before = await template()
    await namespace.patch(kind, 'steady', { spec: { replicas: 4 } }, 'scale')
    await expect.poll(replicasOnceReady('steady'), { timeout: 10_000 }).toBe(4)
    expect(await template()).toEqual(before)
  })

  test('is refused while an autoscaler sets the count, with what to do instead', async () => {
    await namespace.apply(authService('autoscaled', { autoscaling: { enabled: true } }))
    await expect(namespace.patch(kind, 'autoscaled', { spec: { replicas: 3 } }, 'scale')).rejects.toThrow(
      'write autoscaling.enabled: false',
    )
  })
})

test('kubectl get shows the state in columns', async () => {
  interface Table extends Live {
    columnDefinitions: { name: string; priority: number }[]
    rows: { cells: unknown[] }[]
  }
  await namespace.apply(authService('listed'))
  await untilReady('listed')
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
    Message: 'All parts are ready.',
  })
  const onlyWide = columnDefinitions.filter(({ priority }) => priority > 0).map(({ name }) => name)
  expect(onlyWide).toEqual(['Endpoint', 'Message'])
})
