import { getPriority } from 'node:os'
import bcrypt from 'bcrypt'
import { expect, test } from 'vitest'
import { lowerPoolPriority } from './pool-priority.ts'

test.runIf(process.platform === 'linux')('hashes give way to requests, and requests to nothing', async () => {
  await bcrypt.hash('a password', 4)
  const mainThread = getPriority(process.pid)
  expect(lowerPoolPriority()).toBe(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4))
  expect(getPriority(process.pid)).toBe(mainThread)
})
