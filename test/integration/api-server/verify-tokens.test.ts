import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { pythonPackages } from '../../../tools/checkers/python-packages.ts'
import { goProgram } from '../../../tools/programs/go-program.ts'
import {
  expectBadRefused,
  expectGoodAccepted,
  startTokensToVerify,
  type TokensToVerify,
  type Verify,
  verifierCode,
} from './tokens-to-verify.ts'

let tokens: TokensToVerify
let folder = ''

beforeAll(async () => {
  tokens = await startTokensToVerify()
  folder = await mkdtemp(join(tmpdir(), 'authservice-verify-'))
  await symlink(resolve(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
})
afterAll(async () => {
  await tokens?.stop()
  await rm(folder, { recursive: true, force: true })
})

const platforms: Record<string, Verify> = {
  Node: async (token) => {
    const file = join(folder, 'verify.mjs')
    await writeFile(file, `${verifierCode('js')}\nconsole.log((await verify(process.argv[2])).sub)\n`)
    return execa(process.execPath, [file, token], { env: tokens.environment, reject: false })
  },
  Python: async (token) => {
    const file = join(folder, 'verify.py')
    await writeFile(file, `${verifierCode('python')}\nimport sys\nprint(verify(sys.argv[1])["sub"])\n`)
    const PYTHONPATH = await pythonPackages('pyjwt')
    return execa('python3', [file, token], { env: { ...tokens.environment, PYTHONPATH }, reject: false })
  },
  Go: async (token) => execa(await goVerifier(), [token], { env: tokens.environment, reject: false }),
}
/** The path of the program with the Go code of the page, from the cache or built. */
async function goVerifier(): Promise<string> {
  const source = join(folder, 'go')
  await cp(join(import.meta.dirname, 'verify-tokens-go'), source, { recursive: true })
  await writeFile(join(source, 'verify.go'), verifierCode('go'))
  const sources = ['main.go', 'verify.go']
  return goProgram({ name: 'verify-tokens', module: source, sources, package: '.', file: 'verify-tokens' })
}

// Spring's is in test/neighbours/verify-tokens.test.ts, because it needs Java.
describe.each(Object.entries(platforms))('the code of the page for %s', (_platform, verify) => {
  test('accepts a new token, also of a server whose clock is 2 s ahead', () => expectGoodAccepted(tokens, verify))

  test('refuses tokens that are for others, expired or forged', () => expectBadRefused(tokens, verify))
})
