import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { processesWhere } from './processes.ts'

test('the processes of a container are known by their control group', () => {
  const processes = mkdtempSync(join(tmpdir(), 'processes-'))
  onTestFinished(() => rmSync(processes, { recursive: true }))
  const groups: Record<string, string> = {
    1: '0::/init.scope',
    17: '4:cpu:/kubelet-kubepods.slice/cri-containerd-0a1b.scope',
    18: '4:cpu:/kubelet-kubepods.slice/cri-containerd-0a1c.scope',
    self: '4:cpu:/kubelet-kubepods.slice/cri-containerd-0a1b.scope',
  }
  for (const [pid, group] of Object.entries(groups)) {
    mkdirSync(join(processes, pid))
    writeFileSync(join(processes, pid, 'cgroup'), group)
  }
  mkdirSync(join(processes, '19')) // it has just ended
  expect(processesWhere('cgroup', (group) => group.includes('-0a1b.scope'), processes)).toEqual([17])
})
