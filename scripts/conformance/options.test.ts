import { expect, test } from 'vitest'
import { parseOptions, UsageError } from './options.ts'
import { planAliases } from './plans.ts'

test('without arguments, every plan runs against a server alone', () => {
  expect(parseOptions([])).toEqual({ cluster: false, plans: planAliases })
})

test('the plans that are named run once each, wherever --cluster stands', () => {
  expect(parseOptions(['fapi2', '--cluster', 'basic', 'fapi2'])).toEqual({ cluster: true, plans: ['basic', 'fapi2'] })
})

test('an unknown plan or option is refused with a message that lists the known ones', () => {
  expect(() => parseOptions(['--cluster', 'implicit'])).toThrow(UsageError)
  expect(() => parseOptions(['implicit'])).toThrow(/There is no plan implicit.*plans +config, basic/s)
  expect(() => parseOptions(['--bare'])).toThrow(UsageError)
})

test('--help asks for the usage', () => {
  expect(parseOptions(['--help', 'basic'])).toBeUndefined()
})
