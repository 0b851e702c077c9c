import { expect, test } from 'vitest'
import { outcomeOf } from '../../../../test/unit/spec-fields/effects.ts'

test('the Job that creates the first administrator mounts the password, and no server pod does', () => {
  const { outcome } = outcomeOf(
    {
      environment: 'staging',
      mongodb: {},
      redis: {},
      ingress: { type: 'None' },
      initialAdmin: { email: 'admin@example.com', passwordSecretRef: { name: 'their-admin', key: 'password' } },
    },
    new Map(),
  )
  const mounting = [...outcome].filter(([path, value]) => path.endsWith('.secretName') && value === 'their-admin')
  expect(mounting.map(([path]) => path)).toEqual([
    'Job accounts-migrate: spec.template.spec.volumes[initial-admin].secret.secretName',
  ])
  const variables = [...outcome.keys()].filter((path) => path.includes('env[INITIAL_ADMIN_'))
  expect(variables.length).toBeGreaterThan(0)
  expect(variables.filter((path) => !path.startsWith('Job accounts-migrate:'))).toEqual([])
})
