import { expect, test } from 'vitest'
import { outcomeOf } from '../../../test/unit/spec-fields/effects.ts'
import { managed } from '../../../test/unit/spec-fields/expectations.ts'

test('every Service has an address of each family that the cluster has', () => {
  const { outcome } = outcomeOf(managed, new Map())
  const services = new Set(
    [...outcome.keys()].filter((path) => path.startsWith('Service ')).map((path) => path.split(':')[0]),
  )
  expect(services.size).toBeGreaterThan(4)
  for (const service of services)
    expect(outcome.get(`${service}: spec.ipFamilyPolicy`), service).toBe('PreferDualStack')
})
