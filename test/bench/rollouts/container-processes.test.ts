import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { containerProcesses } from './container-processes.ts'

test('the processes of a container are known by their control group', async () => {
  const group = readFileSync('/proc/self/cgroup', 'utf8').split('\n', 1)[0] ?? ''
  expect(await containerProcesses(group)).toContain(process.pid)
})

test('a container of another machine has no processes here', async () => {
  expect(await containerProcesses('0a1b2c3d4e5f60718293a4b5c6d7e8f9')).toEqual([])
})
