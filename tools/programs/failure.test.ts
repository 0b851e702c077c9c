import { expect, test } from 'vitest'
import { explainFailure } from './failure.ts'

function explain(output: string): string {
  const failure = { command: 'docker', reason: 'exit code 1', logFile: '.cluster/logs/05-node-image.log' }
  return explainFailure({ ...failure, output, cacheDirectory: '/home/me/.cache/authservice-operator' })
}

test.each([
  'write /var/lib/docker/tmp/layer: no space left on device',
  "E: You don't have enough free space in /var/cache/apt/archives/.",
  'Error: ENOSPC: no space left on device, write',
])('a full disk is recognized, with its path: %s', (output) => {
  expect(explain(output)).toMatch(/^The disk is full: free about 12 GiB .*\/home\/me\/\.cache\/authservice-operator/)
})

test('a running package manager is named', () => {
  const output = 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 42 (apt-get)'
  expect(explain(output)).toMatch(/^Another program is installing Debian packages/)
})

test('an unresolved module is not mistaken for an unresolved host', () => {
  expect(explain('✘ [ERROR] Could not resolve "./missing.ts"')).toMatch(/^docker failed: exit code 1\./)
  expect(explain('curl: (6) Could not resolve host: proxy.example')).toMatch(/host name could not be resolved/)
})

test('every failure names the log and shows its last lines', () => {
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i + 1}`)
  const explanation = explain(lines.join('\n'))
  expect(explanation).toContain('.cluster/logs/05-node-image.log')
  expect(explanation).toContain('line 29\n')
  expect(explanation).toMatch(/line 40$/)
  expect(explanation).not.toContain('line 28\n')
})
