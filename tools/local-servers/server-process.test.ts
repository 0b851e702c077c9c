import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startProcess } from './server-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'authservice-process-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const shell = { path: '/bin/sh', env: {} }

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a program that does not become ready is killed, so that nothing outlives a failed setup', async () => {
  const pidFile = join(folder, 'pid')
  const script = `echo $$ >${pidFile}.unfinished; mv ${pidFile}.unfinished ${pidFile}; exec sleep 600`
  const starting = startProcess(shell, ['-c', script], async () => {
    if (existsSync(pidFile)) throw new Error('the probe failed')
    return false
  })
  const pid = starting.catch(() => Number(readFileSync(pidFile, 'utf8')))
  await expect(starting).rejects.toThrow('the probe failed')
  expect(isRunning(Number(await pid))).toBe(false)
})

test('a program that ends before it is ready is reported with its output', async () => {
  const starting = startProcess(shell, ['-c', 'echo "no configuration"; exit 3'], async () => false)
  await expect(starting).rejects.toThrow(/^\/bin\/sh ended \(3\):\nno configuration/)
})

test('a program that does not exist is reported', async () => {
  const starting = startProcess({ path: join(folder, 'missing'), env: {} }, [], async () => false)
  await expect(starting).rejects.toThrow(/missing/)
})

test('a program that takes longer than it may is killed, and its output reported', async () => {
  const starting = startProcess(shell, ['-c', 'echo "reading"; exec sleep 600'], async () => false, { maxSeconds: 0.1 })
  await expect(starting).rejects.toThrow('/bin/sh is not ready after 0.1 s')
})

test('a program that ends by itself after its start is reported, and one that is stopped is not', async () => {
  const reports: string[] = []
  const onEnd = (message: string) => reports.push(message)
  const script = `trap 'echo "no memory"; exit 4' USR1; echo ready; while :; do sleep 0.01; done`
  const start = async () => {
    const started = await startProcess(shell, ['-c', script], async () => true, { onEnd })
    await expect.poll(() => started.output()).toContain('ready')
    return started
  }
  await (await start()).stop()
  process.kill((await start()).pid, 'SIGUSR1')
  await expect.poll(() => reports).toEqual([expect.stringMatching(/^\/bin\/sh ended \(4\):\nready\nno memory/)])
})
