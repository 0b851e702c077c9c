import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { documentedBlocks } from '../../documentation/blocks.ts'
import { logIn, startApp } from './app-for-test.ts'

/** The issuer names the port, so it is chosen before the server starts. */
async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  // The type of a TCP server's address.
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

test('every command of docs/server/oauth.md works, one after the other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-page-'))
  const blocks = documentedBlocks().filter(({ page, language }) => page === 'docs/server/oauth.md' && language === 'sh')
  const [makesKeys, makesClients, ...others] = blocks.map(({ text, line }) => `echo "# line ${line}"\n${text}`)
  expect(others.length).toBeGreaterThanOrEqual(6)
  const port = await freePort()
  const begin = `set -euo pipefail\nAPI=http://127.0.0.1:${port}`
  const shell = (script: string) =>
    execa('bash', ['-c', script], { all: true, reject: false, cwd: folder, timeout: 50_000 })
  try {
    const made = await shell(
      `${begin}\n${makesKeys}\n${makesClients}\necho "secret=$secret job_secret=$job_secret" > secret.sh`,
    )
    expect(made.exitCode, made.all).toBe(0)
    const server = await startApp({
      OIDC_CLIENTS_FILE: join(folder, 'clients.json'),
      OIDC_KEYS_FILE: join(folder, 'keys.json'),
      JWT_ISSUER: `http://127.0.0.1:${port}`,
    })
    try {
      await server.app.listen({ host: '127.0.0.1', port })
      await logIn(server, 'me@example.com')
      const ran = await shell(`${begin}\n. ./secret.sh\n${others.join('\n')}`)
      expect(ran.exitCode, ran.all).toBe(0)
      expect(ran.all).toMatch(/\/oauth\/authorize\n.*\/oauth\/token\n/)
      expect(ran.all).toContain('\nme@example.com\n')
      expect(ran.all).toContain('\nreport-job\nhttps://orders.example.com\norders:read\n')
      expect(ran.all).toMatch(/\n\w{4}-\w{4}\n.*\/oauth\/device\n.*\nauthorization_pending\n/)
      expect(ran.all).toContain('\nerror=unmet_authentication_requirements\n')
      expect(ran.all).toMatch(/\ntrue\nfalse\n.*\ntrue$/)
    } finally {
      await server.close()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
