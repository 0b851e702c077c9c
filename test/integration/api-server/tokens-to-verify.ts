import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify from 'fastify'
import { decodeJwt, importJWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { expect } from 'vitest'
import { registerAccessTokens } from '../../../api-server/plugins/app/tokens/issue-and-verify.ts'
import { KeyStore } from '../../../api-server/plugins/app/tokens/key-store.ts'
import { loadKeySet } from '../../../api-server/plugins/app/tokens/load-key-set.ts'
import type { KeySetFile } from '../../../contract/key-set.ts'
import { generateKey } from '../../../operator/authservice/secrets/generate-key.ts'
import { freePort } from '../../../tools/local-servers/server-process.ts'
import { documentedBlocks } from '../../documentation/blocks.ts'
import { startApp } from './app-for-test.ts'

/** Runs the code of docs/server/verify-tokens.md with a token, and prints the subject that it returns. */
export type Verify = (token: string) => Promise<{ stdout: string; stderr: string; failed: boolean }>

/** A server, and access tokens that the code of docs/server/verify-tokens.md accepts or refuses with its keys. */
export interface TokensToVerify {
  /** What that code reads from its environment. */
  environment: { ISSUER: string; AUDIENCE: string }
  /** Tokens of the user `user-1`, by what is special about each. */
  good(): Promise<Record<string, string>>
  /** Tokens that nothing may accept, by what is wrong with each. */
  bad(): Promise<Record<string, string>>
  stop(): Promise<void>
}

interface TokenOptions {
  audience?: string
  issuer?: string
  /** The time of the server that issues it, in milliseconds. */
  at?: number
  lifetimeSeconds?: number
  /** The application that it is for. */
  application?: string
}

/** The code of the page in a language. */
export function verifierCode(language: string): string {
  const blocks = documentedBlocks().filter(({ page }) => page === 'docs/server/verify-tokens.md')
  const found = blocks.find((block) => block.language === language)
  if (found === undefined) throw new Error(`docs/server/verify-tokens.md has no ${language}`)
  return found.text
}

export async function startTokensToVerify(): Promise<TokensToVerify> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-tokens-'))
  // So long ago that it has signed the expired token, too.
  const yesterday = new Date(Date.now() - 86_400_000).toISOString()
  const key = { ...generateKey('ES256'), createdAt: yesterday, activateAt: yesterday }
  const keySet: KeySetFile = { version: 1, keys: [key] }
  const keysFile = join(folder, 'keys.json')
  await writeFile(keysFile, JSON.stringify(keySet), { mode: 0o600 })
  const keys = new KeyStore()
  keys.replace(loadKeySet(JSON.stringify(keySet)))

  const port = await freePort()
  const [issuer, audience] = [`http://127.0.0.1:${port}`, 'shop']
  const server = await startApp({
    JWT_SECRET: '',
    JWT_KEYS_FILE: keysFile,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
  })
  await server.app.listen({ host: '127.0.0.1', port })

  async function issued({ application, at = Date.now(), ...policy }: TokenOptions = {}): Promise<string> {
    const { issue } = await registerAccessTokens(fastify(), {
      keys,
      policy: { issuer, audience, lifetimeSeconds: 900, ...policy },
      requireActiveSession: async () => {},
      now: () => new Date(at),
    })
    const session = { _id: 'session-1', version: 0, expiresAt: new Date(at + 3_600_000) }
    const client =
      application === undefined ? {} : { client: { id: application, scope: 'openid', lifetimeSeconds: 900 } }
    return issue({ userId: 'user-1', role: 'user', session, ...client }).token
  }

  /** A token like those of the server, but for what `header` and `by` change. */
  async function signed(header: Partial<JWTHeaderParameters> = {}, by = key.jwk): Promise<string> {
    const headers = { alg: 'ES256', kid: key.kid, typ: 'at+jwt', ...header }
    const token = new SignJWT(decodeJwt(await issued())).setProtectedHeader(headers)
    return token.sign(await importJWK({ ...by }, 'ES256'))
  }

  async function changed(): Promise<string> {
    const [header, payload = '', signature] = (await issued()).split('.')
    const text = Buffer.from(payload, 'base64url').toString().replace('"role":"user"', '"role":"root"')
    return [header, Buffer.from(text).toString('base64url'), signature].join('.')
  }

  async function unsigned(): Promise<string> {
    const [, payload] = (await issued()).split('.')
    const header = JSON.stringify({ alg: 'none', kid: key.kid, typ: 'at+jwt' })
    return `${Buffer.from(header).toString('base64url')}.${payload}.`
  }

  return {
    environment: { ISSUER: issuer, AUDIENCE: audience },
    good: async () => ({
      new: await issued(),
      'of a server whose clock is 2 s ahead': await issued({ at: Date.now() + 2_000 }),
      // Shows that the bad ones below differ only in what their names say.
      'signed by this test': await signed(),
    }),
    async bad() {
      const other = generateKey('ES256')
      return {
        'for another audience': await issued({ audience: 'another' }),
        'for an application': await issued({ application: 'shop' }),
        'of another issuer': await issued({ issuer: 'https://another.example.com' }),
        expired: await issued({ at: Date.now() - 3_600_000, lifetimeSeconds: 60 }),
        changed: await changed(),
        unsigned: await unsigned(),
        'of the type of ID tokens': await signed({ typ: 'JWT' }),
        'signed by another key': await signed({}, other.jwk),
        'signed by a key that is not published': await signed({ kid: other.kid }, other.jwk),
      }
    },
    async stop() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Expects the verifier to return the user of each good token. */
export async function expectGoodAccepted(tokens: TokensToVerify, verify: Verify): Promise<void> {
  for (const [what, token] of Object.entries(await tokens.good())) {
    const { stdout, stderr } = await verify(token)
    expect({ what, stdout }, stderr).toEqual({ what, stdout: 'user-1' })
  }
}

/** Expects the verifier to fail with each bad token. */
export async function expectBadRefused(tokens: TokensToVerify, verify: Verify): Promise<void> {
  for (const [what, token] of Object.entries(await tokens.bad())) {
    const { failed, stdout } = await verify(token)
    expect({ what, failed, stdout }).toEqual({ what, failed: true, stdout: '' })
  }
}
