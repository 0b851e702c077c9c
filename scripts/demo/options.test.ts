import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

test('without options the demo runs on a cluster of its own', () => {
  expect(parseOptions([])).toEqual({ action: 'run', yes: false })
  expect(parseOptions(['--port', '9443'])).toEqual({ action: 'run', yes: false, port: 9443 })
})

test("another cluster is used only when it is named, and --yes alone doesn't name one", () => {
  expect(parseOptions(['--context', 'staging', '--down'])).toEqual({ action: 'down', context: 'staging', yes: false })
  expect(parseOptions(['--yes']).context).toBeUndefined()
})

test.each([
  [['--port', '80'], /--port 80 is not a port: write a whole number/],
  [['--port', 'x'], /--port x is not a port/],
  [['--context', 'a', '--port', '9443'], /omit it with --context/],
  [['--context', ''], /kubectl config get-contexts/],
  [['--donw'], /--donw[\s\S]*Usage: npm run demo/],
  [['now'], /now[\s\S]*Usage: npm run demo/],
])('%j is rejected with what to write instead', (commandLine, message) => {
  expect(() => parseOptions(commandLine)).toThrow(message)
})
