import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet } from '../support/operator-under-test.ts'
import { completeJob, completeMigrations, makeEverythingAvailable } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `passwords-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
  await namespace.apply(authServiceManifest('shop'))
})
afterAll(() => operator.stop())

async function secret(database: 'redis' | 'mongodb'): Promise<Record<string, string>> {
  const { data = {} } =
    (await namespace.get<Live & { data: Record<string, string> }>('Secret', `shop-${database}`)) ?? {}
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}
const stages = async () => [(await secret('redis'))['rotation'], (await secret('mongodb'))['rotation']]
const jobs = async () =>
  (await namespace.list('Job'))
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.startsWith('shop-passwords-'))
const passwordGeneration = async () => {
  interface Deployment extends Live {
    spec: { template: { metadata: { annotations?: Record<string, string> } } }
  }
  const server = await namespace.get<Deployment>('Deployment', 'shop-blue')
  return server?.spec.template.metadata.annotations?.['auth-operator.dev/passwords-by']
}

/** Both passwords, each created once and rotated once. */
const rotated = /^[0-9a-f]{12}\/monday,[0-9a-f]{12}\/monday$/

/** Waits for the Job of a stage and completes it. */
async function tellDatabases(): Promise<string> {
  await expect.poll(jobs).toHaveLength(1)
  const [job = ''] = await jobs()
  await completeJob(namespace, job)
  return job
}

test('passwords are rotated on request: added, used by new pods, and the old ones removed', async () => {
  await expect.poll(() => namespace.get('Deployment', 'shop-blue')).toBeDefined()
  const firstBy = await passwordGeneration()
  const first = { redis: await secret('redis'), mongodb: await secret('mongodb') }
  await namespace.patch(kind, 'shop', { metadata: { annotations: { 'auth-operator.dev/rotate-passwords': 'monday' } } })

  await expect.poll(stages).toEqual(['adding:monday', 'adding:monday'])
  expect(await secret('redis')).toMatchObject({
    password: first.redis['password'],
    'next-password': expect.any(String),
  })
  await expect
    .poll(async () => (await namespace.authService('shop')).status?.actions)
    .toMatchObject([{ name: 'rotate-passwords', value: 'monday' }])
  await untilQuiet(operator)
  expect(await passwordGeneration(), 'no new pods yet').toBe(firstBy)
  const { status } = await namespace.authService('shop')
  expect(status?.secrets).toContainEqual(expect.objectContaining({ keyId: 'next-password', state: 'Pending' }))

  const adding = await tellDatabases()
  await expect.poll(stages).toEqual(['switched:monday', 'switched:monday'])
  const switched = { redis: await secret('redis'), mongodb: await secret('mongodb') }
  expect(switched.redis['previous-password']).toBe(first.redis['password'])
  expect(switched.mongodb['previous-app-password']).toBe(first.mongodb['app-password'])
  expect(switched.mongodb['url']).toContain(`mongodb://auth-b:${switched.mongodb['app-password']}@`)
  expect(switched.mongodb['admin-password']).toBe(first.mongodb['admin-password'])
  await expect.poll(() => completeMigrations(namespace).then(passwordGeneration)).toMatch(rotated)
  await expect.poll(jobs).toEqual([])

  // The volumes of the database pods are up to date; the server pods have not been replaced yet.
  const longAgo = Buffer.from(new Date(Date.now() - 600_000).toISOString()).toString('base64')
  for (const name of ['shop-redis', 'shop-mongodb'])
    await namespace.patch('Secret', name, { data: { 'changed-at': longAgo } })
  await namespace.patch('Deployment', 'shop-blue', { metadata: { annotations: { touched: 'yes' } } })
  await untilQuiet(operator)
  expect(await stages()).toEqual(['switched:monday', 'switched:monday'])

  await expect
    .poll(
      async () => {
        await makeEverythingAvailable(namespace)
        return stages()
      },
      { timeout: 40_000 },
    )
    .toEqual(['removing:monday', 'removing:monday'])
  expect(await secret('redis')).not.toHaveProperty('previous-password')
  expect(await secret('mongodb')).not.toHaveProperty('previous-app-password')
  expect(await tellDatabases()).not.toBe(adding)
  await expect.poll(stages).toEqual([undefined, undefined])
  expect(await secret('redis')).toMatchObject({ password: switched.redis['password'], 'rotated-by': 'monday' })
  expect((await secret('mongodb'))['app-user']).toBe('auth-b')
  expect(await passwordGeneration()).toMatch(rotated)

  // The annotation stays, as with a GitOps tool, and a restarted operator finds it done.
  const done = await secret('mongodb')
  await namespace.patch(kind, 'shop', { status: { actions: null } }, 'status')
  await namespace.patch('Service', 'shop', { spec: { selector: null } })
  await expect
    .poll(async () => (await namespace.authService('shop')).status?.actions)
    .toMatchObject([{ name: 'rotate-passwords', value: 'monday' }])
  expect(await secret('mongodb')).toEqual(done)
})
