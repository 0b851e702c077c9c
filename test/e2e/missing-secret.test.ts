import { afterAll, beforeAll, expect, test } from 'vitest'
import { readinessOf } from '../../tools/cluster-client/readiness.ts'
import { apply, authService, freshNamespace, kubectl, removeNamespace, sample } from './cluster-under-test.ts'

const namespace = 'e2e-missing-secret'

beforeAll(async () => {
  await freshNamespace(namespace)
  const manifest = await sample('quickstart.yaml')
  manifest.metadata.name = 'external'
  manifest.spec['ingress'] = { type: 'None' }
  manifest.spec['mongodb'] = { external: { urlSecretRef: { name: 'our-mongodb', key: 'url' } } }
  await apply(namespace, manifest)
})

afterAll(() => removeNamespace(namespace))

test('status names a missing Secret, and the AuthService continues once the Secret exists', async () => {
  const readiness = async () => readinessOf(await authService(namespace, 'external'))
  await expect
    .poll(readiness, { timeout: 60_000, message: 'readiness of the AuthService' })
    .toMatchObject({ state: 'stalled', message: expect.stringMatching(/our-mongodb/) })

  await kubectl().run([
    'create',
    'secret',
    'generic',
    'our-mongodb',
    '--namespace',
    namespace,
    '--from-literal=url=mongodb://mongodb.example.com:27017/?replicaSet=rs0',
  ])
  await expect
    .poll(readiness, { timeout: 60_000, message: 'readiness of the AuthService' })
    .toMatchObject({ state: 'waiting' })
})
