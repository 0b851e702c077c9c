import { expect, test } from 'vitest'
import { parseCommandLine, UsageError } from './command-line.ts'

test('up accepts a number of nodes and a port', () => {
  expect(parseCommandLine(['up'])).toEqual({ action: 'up', request: {} })
  expect(parseCommandLine(['up', '--nodes', '3', '--edge-port', '9443'])).toEqual({
    action: 'up',
    request: { nodes: 3, edgePort: 9443 },
  })
})

test('an empty command line and --help show the usage', () => {
  expect(parseCommandLine([])).toEqual({ action: 'help' })
  expect(parseCommandLine(['up', '--help'])).toEqual({ action: 'help' })
})

test.each([
  [['start'], 'There is no command start'],
  [['up', 'down'], 'without down'],
  [['up', '--nodes', '0'], '--nodes must be an integer from 1 to 5, not "0"'],
  [['up', '--edge-port', 'https'], '--edge-port must be an integer from 1 to 65535, not "https"'],
  [['down', '--nodes', '2'], 'are options of "up" only'],
  [['up', '--node', '2'], '--node'],
])('%j is an error with an explanation', (commandLine, words) => {
  expect(() => parseCommandLine(commandLine)).toThrow(UsageError)
  expect(() => parseCommandLine(commandLine)).toThrow(words)
})
