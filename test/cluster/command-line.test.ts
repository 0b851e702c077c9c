import { expect, test } from 'vitest'
import { parseCommandLine, UsageError } from './command-line.ts'

test('up takes a number of nodes and a port', () => {
  expect(parseCommandLine(['up'])).toEqual({ action: 'up', wishes: {} })
  expect(parseCommandLine(['up', '--nodes', '3', '--edge-port', '9443'])).toEqual({
    action: 'up',
    wishes: { nodes: 3, edgePort: 9443 },
  })
})

test('nothing, or a call for help, shows the usage', () => {
  expect(parseCommandLine([])).toEqual({ action: 'help' })
  expect(parseCommandLine(['up', '--help'])).toEqual({ action: 'help' })
})

test.each([
  [['start'], 'There is no command start'],
  [['up', 'down'], 'down is too much'],
  [['up', '--nodes', '0'], '--nodes wants a whole number from 1 to 5, not "0"'],
  [['up', '--edge-port', 'https'], '--edge-port wants a whole number from 1 to 65535, not "https"'],
  [['down', '--nodes', '2'], 'go with "up" only'],
  [['up', '--node', '2'], '--node'],
])('%j is refused in words', (commandLine, words) => {
  expect(() => parseCommandLine(commandLine)).toThrow(UsageError)
  expect(() => parseCommandLine(commandLine)).toThrow(words)
})
