import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { beginUse, endUse, otherUsers } from './engine-users.ts'

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'authservice-engine-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

test('another process uses the engine until it ends, however it ends', async () => {
  const users = directory()
  const other = spawn('sleep', ['60'])
  writeFileSync(join(users, String(other.pid)), '')
  expect(otherUsers(users)).toEqual([other.pid])

  other.kill('SIGKILL')
  await once(other, 'exit')
  expect(otherUsers(users)).toEqual([])
})

test('a process can stop the engine if no other process uses it', () => {
  const users = join(directory(), 'users')
  expect(otherUsers(users)).toEqual([])
  beginUse(users)
  beginUse(users)
  expect(otherUsers(users)).toEqual([])
  endUse(users)
  endUse(users)
})
