import { pino } from 'pino'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Operator } from '../../../operator/operator.ts'
import { ApiProxy, type SeenRequest } from '../support/api-proxy.ts'
import { authServiceManifest, developmentSpec, Namespace } from '../support/namespace.ts'
import { startOperatorWith } from '../support/operator-under-test.ts'

const { kubeconfigPath, port } = inject('apiServer')
let namespace: Namespace
let proxy: ApiProxy
let operator: Operator
/** Log lines of failed reconciles. */
const failures: string[] = []

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `deadline-${Date.now()}`)
  proxy = await ApiProxy.inFrontOf(port)
  const write = (line: string) => {
    const { msg, err } = JSON.parse(line)
    if (msg === 'reconcile failed: retrying') failures.push(err.message)
  }
  const log = pino({ level: 'warn' }, { write })
  operator = startOperatorWith(
    proxy.configFrom(kubeconfigPath),
    namespace,
    { workers: 1 },
    {
      log,
      reconcileDeadlineMilliseconds: 5_000,
    },
  )
})
afterAll(async () => {
  await operator.stop()
  await proxy.close()
})

const isApply = ({ method, path }: SeenRequest) => method === 'PATCH' && !path.includes('/status')

test.each<[what: string, name: string, stops: (request: SeenRequest) => boolean, failure: RegExp]>([
  ['a read', 'reads', ({ method, path }) => method === 'GET' && path.includes('/secrets/'), /^GET .*\/secrets\/reads-/],
  [
    'an apply',
    'applies',
    (request) => isApply(request) && request.path.includes('/services/'),
    /^PATCH .*\/services\//,
  ],
  ['a write of status', 'reports', ({ path }) => path.includes('/status'), /^PATCH .*\/authservices\/reports\/status:/],
])(
  'after %s that stops in the middle of its answer an AuthService is reconciled all the same',
  async (_, name, stops, failure) => {
    failures.length = 0
    let stopped = 0
    // Those of an earlier AuthService are still answered.
    const isOfThis = ({ path }: SeenRequest) => path.includes(`/${name}`)
    proxy.fault = (request) =>
      isOfThis(request) && stops(request) && stopped++ === 0 ? { kind: 'stopInTheMiddle' } : undefined
    const url = { name: `${name}-mongodb-url`, key: 'url' }
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: url.name },
      stringData: { url: 'mongodb://mongodb.example.com/auth?tls=true' },
    })
    const spec = { ...developmentSpec, mongodb: { external: { urlSecretRef: url } } }
    await namespace.apply(authServiceManifest(name, spec))
    await expect.poll(() => failures, { timeout: 30_000 }).toEqual([expect.stringMatching(failure)])
    expect(failures[0]).toContain('canceled before its answer ended: the reconcile did not complete within 5 s')

    await expect.poll(() => namespace.get('Deployment', `${name}-blue`), { timeout: 30_000 }).toBeDefined()
    await expect.poll(() => namespace.condition(name, 'Reconciling'), { timeout: 30_000 }).toMatch(/^True Progressing/)
  },
)

test('an event whose response stops midway delays no reconcile', async () => {
  failures.length = 0
  proxy.requests.length = 0
  const isEvent = ({ method, path }: SeenRequest) => method === 'POST' && path.includes('/events')
  proxy.fault = (request) => (isEvent(request) ? { kind: 'stopInTheMiddle' } : undefined)
  await namespace.apply(authServiceManifest('tells'))
  await expect.poll(() => namespace.condition('tells', 'Reconciling'), { timeout: 30_000 }).toMatch(/^True Progressing/)
  await expect.poll(() => proxy.requests.some(isEvent)).toBe(true)
  expect(failures).toEqual([])
})
