import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { freshDatabase, startApp, tokensOf } from './app-for-test.ts'
import { codeOf, enrol, firstStep, forgetUsedCodes, mfaEnvironment, secondStep, storedTotp } from './second-factor.ts'

const keyOf = (kid: string, activateAt: string) => ({
  kid,
  key: randomBytes(32).toString('base64url'),
  createdAt: activateAt,
  activateAt,
})

test('a key in a file is replaced without a restart, and a secret is encrypted with the new one when it is used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-mfa-keys-'))
  const file = join(folder, 'keys.json')
  const keys = [keyOf('first', '2026-01-01T00:00:00Z')]
  const write = () => writeFile(file, JSON.stringify({ version: 1, keys }))
  await write()
  const { MFA_SECRET: _, ...environment } = mfaEnvironment
  const rotating = await startApp({ ...environment, MFA_KEYS_FILE: file })
  try {
    const user = await enrol(rotating)
    const kid = async () => (await storedTotp(rotating, user)).secret.kid
    expect(await kid()).toBe('first')
    keys.push(keyOf('second', '2026-02-01T00:00:00Z'))
    await write()
    await vi.waitFor(
      async () => {
        await forgetUsedCodes(rotating, user)
        expect((await secondStep(rotating, await firstStep(rotating, user), codeOf(user.secret))).status).toBe(200)
        expect(await kid()).toBe('second')
      },
      { timeout: 40_000, interval: 500 },
    )
    await forgetUsedCodes(rotating, user)
    expect((await secondStep(rotating, await firstStep(rotating, user), codeOf(user.secret))).status).toBe(200)
    // An unusable file changes nothing.
    await writeFile(file, '{}')
    await enrol(rotating)
  } finally {
    await rotating.close()
    await rm(folder, { recursive: true })
  }
})

test('a server does not start without its keys, and says which file it is', async () => {
  const { MFA_SECRET: _, ...environment } = mfaEnvironment
  const start = startApp({ ...environment, MFA_KEYS_FILE: '/nowhere/keys.json' })
  await expect(start).rejects.toThrow('the keys of second factors in /nowhere/keys.json cannot be read (ENOENT)')
})

test('a secret whose key is missing is a fault of the server, and not of the user', async () => {
  const databaseName = freshDatabase()
  const first = await startApp({ ...mfaEnvironment, DATABASE_NAME: databaseName })
  const user = await enrol(first)
  await first.close()
  const second = await startApp({
    ...mfaEnvironment,
    DATABASE_NAME: databaseName,
    MFA_SECRET: 'another secret of second factors in a test',
  })
  try {
    const token = await firstStep(second, user)
    const answer = await secondStep(second, token, codeOf(user.secret))
    expect(answer).toMatchObject({ status: 503, body: { code: 'mfa_unreadable' } })
    // A recovery code needs no key.
    const [code = ''] = user.recoveryCodes
    const completed = await secondStep(second, token, code, {}, 'recovery_code')
    expect(completed.status).toBe(200)
    const stepUp = { method: 'totp', code: codeOf(user.secret) }
    const stepped = await second.post('/v1/auth/step-up', stepUp, tokensOf(completed.body).bearer)
    expect(stepped).toMatchObject({ status: 503, body: { code: 'mfa_unreadable' } })
  } finally {
    await second.close()
  }
})
