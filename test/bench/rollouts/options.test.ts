import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

const known = ['rolling-update', 'blue-green', 'scaling']

test('every scenario is run unless some are named, and in their own order', () => {
  expect(parseOptions([], known)).toEqual({ scenarios: known, quietSeconds: 20, enforce: false, slowest: false })
  const some = ['--scenario', 'scaling', '--scenario', 'rolling-update', '--enforce']
  expect(parseOptions(some, known)).toMatchObject({ scenarios: ['rolling-update', 'scaling'], enforce: true })
})

test.each([
  [['--scenario', 'green-blue'], /no scenario green-blue\. There are: rolling-update, blue-green, scaling/],
  [['--quiet-seconds', '1'], /from 5 to 30, not "1"/],
  [['--scenarios', 'scaling'], /--scenarios/],
])('%j is refused with what to write instead', (commandLine, message) => {
  expect(() => parseOptions(commandLine, known)).toThrow(message)
})
