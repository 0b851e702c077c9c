import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { mavenProject } from '../../tools/programs/maven-project.ts'
import {
  expectBadRefused,
  expectGoodAccepted,
  startTokensToVerify,
  type TokensToVerify,
  type Verify,
  verifierCode,
} from '../integration/api-server/tokens-to-verify.ts'

describe('the code of docs/server/verify-tokens.md for Spring', () => {
  let tokens: TokensToVerify
  let program = ''

  beforeAll(async () => {
    program = await springVerifier()
    tokens = await startTokensToVerify()
  })
  afterAll(() => tokens?.stop())

  // Without the optimizing compiler, Java starts sooner.
  const options = ['-XX:TieredStopAtLevel=1', '-jar']
  const verify: Verify = (token) =>
    execa('java', [...options, program, token], { env: tokens.environment, reject: false })

  test('accepts a new token, also of a server whose clock is 2 s ahead', () => expectGoodAccepted(tokens, verify))

  test('refuses tokens that are for others, expired or forged', () => expectBadRefused(tokens, verify))
})

/** The path of the program with the Java code of the page, from the cache or built. */
async function springVerifier(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-verify-'))
  try {
    await cp(join(import.meta.dirname, 'verify-tokens-java'), folder, { recursive: true })
    await writeFile(join(folder, 'AccessTokens.java'), verifierCode('java'))
    const sources = ['VerifyToken.java', 'AccessTokens.java']
    return join(await mavenProject({ name: 'verify-tokens-java', folder, sources }), 'verify-tokens.jar')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
