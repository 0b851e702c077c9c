import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { withLock } from './lock.ts'

test('a lock is free after its holder was killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'authservice-lock-test-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'test.lock')
  const module = JSON.stringify(pathToFileURL(join(import.meta.dirname, 'lock.ts')))
  const program = `
    const { withLock } = await import(${module})
    await withLock(${JSON.stringify(path)}, () => { console.log('held'); return new Promise((r) => setTimeout(r, 60_000)) })`
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')

  const work = vi.fn(async () => 'done')
  const waiting = Promise.withResolvers<void>()
  const result = withLock(path, work, waiting.resolve)
  await waiting.promise
  expect(work).not.toHaveBeenCalled()
  holder.kill('SIGKILL')
  await expect(result).resolves.toBe('done')
})
