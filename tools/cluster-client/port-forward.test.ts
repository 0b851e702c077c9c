import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectlFor } from './kubectl.ts'
import { forwardPort } from './port-forward.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'port-forward-'))
})
afterAll(() => rm(folder, { recursive: true }))

const target = { namespace: 'team-a', target: 'service/accounts', port: 80 }

/** A program that stands in for kubectl. */
async function kubectlThat(script: string) {
  const file = join(folder, `kubectl-${Math.random().toString(36).slice(2)}`)
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return kubectlFor(file, [])
}

test('a port-forward gives its local port while kubectl runs, and closing it ends kubectl', async () => {
  const forward = await forwardPort(
    await kubectlThat('echo "Forwarding from 127.0.0.1:40123 -> 80"; exec sleep 600'),
    target,
  )
  expect(forward.port).toBe(40_123)
  await forward.close()
})

test('a kubectl that ends early is an error with its own message', async () => {
  const failing = await kubectlThat('echo "Error from server (NotFound): services not found" >&2; exit 1')
  await expect(forwardPort(failing, target)).rejects.toThrow(/service\/accounts in team-a ended: Error from server/)
})

test('a missing kubectl is an error, not an unhandled rejection', async () => {
  await expect(forwardPort(kubectlFor(join(folder, 'none'), []), target)).rejects.toThrow(/ENOENT/)
})
