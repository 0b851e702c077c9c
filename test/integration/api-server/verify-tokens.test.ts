import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registerAccessTokens } from '../../../api-server/plugins/app/tokens/issue-and-verify.ts'
import { KeyStore } from '../../../api-server/plugins/app/tokens/key-store.ts'
import { loadKeySet } from '../../../api-server/plugins/app/tokens/load-key-set.ts'
import { generateKey } from '../../../operator/authservice/secrets/generate-key.ts'
import { decideSigningKeys } from '../../../operator/authservice/secrets/signing-keys.ts'
import { pythonPackages } from '../../../tools/checkers/python-packages.ts'
import { freePort } from '../../../tools/local-servers/server-process.ts'
import { goProgram } from '../../../tools/programs/go-program.ts'
import { type AppForTest, startApp } from './app-for-test.ts'
import { SecretVolume } from './secret-volume.ts'

const root = resolve(import.meta.dirname, '../../..')
const audience = 'shop'
const keys = new KeyStore()
let [issuer, folder] = ['', '']
let volume: SecretVolume
let server: AppForTest

beforeAll(async () => {
  const made = decideSigningKeys(
    undefined,
    {
      algorithm: 'ES256',
      rotationIntervalSeconds: 3_600,
      activationDelaySeconds: 90,
      volumeRefreshSeconds: 90,
      longestHoldSeconds: 600,
      rotateNow: false,
      revoke: undefined,
      everyServerKnows: () => true,
    },
    new Date(),
    generateKey,
  )
  if (made.kind === 'corrupt') throw new Error(made.problem)
  const keySet = JSON.stringify(made.keySet)
  keys.replace(loadKeySet(keySet))
  volume = await SecretVolume.create('keys.json', keySet)
  folder = await mkdtemp(join(tmpdir(), 'authservice-verify-'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const port = await freePort()
  issuer = `http://127.0.0.1:${port}`
  server = await startApp({ JWT_SECRET: '', JWT_KEYS_FILE: volume.file, JWT_ISSUER: issuer, JWT_AUDIENCE: audience })
  await server.app.listen({ host: '127.0.0.1', port })
})
afterAll(async () => {
  await server?.close()
  await volume?.remove()
  await rm(folder, { recursive: true, force: true })
})

/** The code of the page. */
async function codeOf(language: string): Promise<string> {
  const page = await readFile(join(root, 'docs/server/verify-tokens.md'), 'utf8')
  const code = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1]
  if (code === undefined) throw new Error(`the page has no ${language}`)
  return code
}

async function tokenOf(
  claims: { audience?: string; issuer?: string; at?: number; lifetimeSeconds?: number; application?: string } = {},
) {
  const policy = { issuer, audience, lifetimeSeconds: 900, ...claims }
  const { application } = claims
  const at = new Date(claims.at ?? Date.now())
  const session = { _id: 'session-1', version: 0, expiresAt: new Date(at.getTime() + 3_600_000) }
  const options = { keys, policy, requireActiveSession: async () => {}, now: () => at }
  const { issue } = await registerAccessTokens(fastify(), options)
  const client = application === undefined ? {} : { client: { id: application, scope: 'openid', lifetimeSeconds: 900 } }
  return issue({ userId: 'user-1', role: 'user', session, ...client }).token
}

const platforms: Record<string, (token: string) => Promise<{ stdout: string; failed: boolean; stderr: string }>> = {
  Node: async (token) => {
    const file = join(folder, 'verify.mjs')
    await writeFile(file, `${await codeOf('js')}\nconsole.log((await verify(process.argv[2])).sub)\n`)
    return execa(process.execPath, [file, token], { env: environment(), reject: false })
  },
  Python: async (token) => {
    const file = join(folder, 'verify.py')
    await writeFile(file, `${await codeOf('python')}\nimport sys\nprint(verify(sys.argv[1])["sub"])\n`)
    const PYTHONPATH = await pythonPackages('pyjwt')
    return execa('python3', [file, token], { env: { ...environment(), PYTHONPATH }, reject: false })
  },
  Go: async (token) => execa(await goVerifier(), [token], { env: environment(), reject: false }),
}
/** The path of the program with the Go code of the page, from the cache or built. */
async function goVerifier(): Promise<string> {
  const code = await codeOf('go')
  const module = join(import.meta.dirname, 'verify-tokens-go')
  const source = join(folder, 'go')
  await cp(module, source, { recursive: true })
  await writeFile(join(source, 'verify.go'), code)
  const sources = ['main.go', 'verify.go']
  return goProgram({ name: 'verify-tokens', module: source, sources, package: '.', file: 'verify-tokens' })
}

const environment = () => ({ ISSUER: issuer, AUDIENCE: audience })

describe.each(Object.entries(platforms))('the code of the page for %s', (_platform, verify) => {
  test('accepts a new token, also of a server whose clock is 2 s ahead', async () => {
    for (const at of [Date.now(), Date.now() + 2_000]) {
      const { stdout, stderr } = await verify(await tokenOf({ at }))
      expect(stdout, stderr).toBe('user-1')
    }
  })

  test('refuses tokens for other services and for applications, and expired ones', async () => {
    const good = await tokenOf()
    const [header, payload = '', signature] = good.split('.')
    const changed = Buffer.from(payload, 'base64url').toString().replace('"role":"user"', '"role":"root"')
    const bad = {
      'another audience': await tokenOf({ audience: 'another' }),
      'an application': await tokenOf({ application: 'shop' }),
      'another issuer': await tokenOf({ issuer: 'https://another.example.com' }),
      expired: await tokenOf({ at: Date.now() - 3_600_000, lifetimeSeconds: 60 }),
      changed: [header, Buffer.from(changed).toString('base64url'), signature].join('.'),
    }
    for (const [what, token] of Object.entries(bad)) {
      const { failed, stdout } = await verify(token)
      expect({ what, failed, stdout }).toEqual({ what, failed: true, stdout: '' })
    }
  })
})
