import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

const known = ['rolling-update', 'blue-green', 'scaling']

test('all scenarios run by default; named ones run in the order of the list', () => {
  expect(parseOptions([], known)).toEqual({ scenarios: known, enforce: false })
  const some = ['--scenario', 'scaling', '--scenario', 'rolling-update', '--enforce']
  expect(parseOptions(some, known)).toEqual({ scenarios: ['rolling-update', 'scaling'], enforce: true })
})

test.each([
  [['--scenario', 'green-blue'], /no scenario green-blue\. There are: rolling-update, blue-green, scaling/],
  [['--scenarios', 'scaling'], /--scenarios/],
])('an error message says what is wrong with %j', (commandLine, message) => {
  expect(() => parseOptions(commandLine, known)).toThrow(message)
})
