import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { documentedBlocks } from '../../documentation/blocks.ts'
import { type AppForTest, logIn, startApp } from './app-for-test.ts'
import { codeOf, forgetUsedCodes, mfaEnvironment } from './second-factor.ts'

const email = 'me@example.com'

/**
 * Stands for `oathtool --totp --base32 SECRET`. A reader waits for the next code; here, the last code counts as used long
 * ago.
 */
async function codeServer(server: AppForTest): Promise<{ port: number; stop(): void }> {
  const codes = createServer(async ({ url }, response) => {
    const user = await server.app.users.findByEmail(parseEmail(email))
    if (user !== null) await forgetUsedCodes(server, { id: user._id })
    response.end(codeOf((url ?? '').slice(1)))
  })
  await new Promise<void>((resolve) => codes.listen(0, '127.0.0.1', resolve))
  // The type of a TCP server's address.
  return { port: (codes.address() as AddressInfo).port, stop: () => codes.close() }
}

test('every command of docs/server/second-factors.md works, one after the other', async () => {
  const server = await startApp(mfaEnvironment)
  const codes = await codeServer(server)
  const folder = await mkdtemp(join(tmpdir(), 'authservice-page-'))
  try {
    await server.app.listen({ host: '127.0.0.1', port: 0 })
    // The type of a TCP server's address.
    const { port } = server.app.server.address() as AddressInfo
    const { accessToken } = await logIn(server, email)
    await writeFile(join(folder, 'oathtool'), `#!/bin/sh\ncurl -s "http://127.0.0.1:${codes.port}/$3"\n`)
    await chmod(join(folder, 'oathtool'), 0o755)
    const blocks = documentedBlocks().filter(
      ({ page, language }) => page === 'docs/server/second-factors.md' && language === 'sh',
    )
    expect(blocks.length).toBeGreaterThanOrEqual(6)
    const after = (line: number) =>
      `[ "\${access:-}" != null ] && [ "\${access:-}" != "" ] || { echo "no token after line ${line}"; exit 1; }`
    const script = [
      'set -euo pipefail',
      `API=http://127.0.0.1:${port} json='content-type: application/json' access=${accessToken}`,
      ...blocks.flatMap(({ text, line }) => [`echo "# line ${line}"`, text, after(line)]),
    ].join('\n')
    const { exitCode, all } = await execa('bash', ['-c', script], {
      all: true,
      reject: false,
      timeout: 50_000,
      env: { PATH: `${folder}:${process.env['PATH']}` },
    })
    expect(exitCode, all).toBe(0)
    // The page shows ten codes, lists the app and removes it.
    expect(all.match(/^([a-z2-7]{6}-){3}[a-z2-7]{6}$/gm)).toHaveLength(10)
    expect(all).toContain('otpauth://totp/Example:me%40example.com')
    expect(all).not.toMatch(/"code":/)
    const user = await server.app.users.findByEmail(parseEmail(email))
    expect(await server.app.mfa.factors.find(user?._id ?? '')).toBeNull()
  } finally {
    codes.stop()
    await server.close()
    await rm(folder, { recursive: true })
  }
})
