import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppForTest, logIn, startApp } from './app-for-test.ts'
import { edges, forms, payloads } from './jwt-attacks/content-attacks.ts'
import { confusedAlgorithms, confusedKeys, headers, noSignature, spelledHeaders } from './jwt-attacks/header-attacks.ts'
import { type Attack, good, keys, material, secondsNow } from './jwt-attacks/material.ts'

let server: AppForTest
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-keys-'))
  const file = join(folder, 'keys.json')
  await writeFile(file, JSON.stringify({ version: 1, keys: Object.values(keys).map(({ entry }) => entry) }))
  server = await startApp({ JWT_KEYS_FILE: file })
  material.token = (await logIn(server)).accessToken
  material.claims = decodeJwt(material.token)
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const verify = (token: string) => server.get('/v1/auth/verify', { authorization: `Bearer ${token}` })

test.each(['hs', 'ed', 'es'] as const)(
  'a token of the %s key is valid, so the following attacks are refused for their change',
  async (name) => {
    expect(await verify(good(keys[name]))).toMatchObject({ status: 200, body: { sub: material.claims['sub'] } })
  },
)

/** Other characters that decode to the same bytes. */
function otherSpellings(segment: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const same = Buffer.from(segment, 'base64url')
  const lasts = [...alphabet].map((last) => segment.slice(0, -1) + last)
  return lasts.filter((other) => other !== segment && Buffer.from(other, 'base64url').equals(same))
}

test('every other base64 spelling of a signature is refused', async () => {
  for (const key of [keys.hs, keys.es, keys.ed]) {
    const [header = '', body = '', signature = ''] = good(key).split('.')
    const spellings = [
      ...otherSpellings(signature),
      `${signature}=`,
      `${signature}==`,
      `${signature}A`,
      `${signature}\t`,
      `${signature}\u00a0`,
      signature.replaceAll('-', '+').replaceAll('_', '/'),
      Buffer.from(signature, 'base64url').toString('base64'),
    ].filter((other) => other !== signature)
    expect(spellings.length).toBeGreaterThan(5)
    for (const spelling of spellings) {
      const token = `${header}.${body}.${spelling}`
      expect(
        await Promise.try(() => server.app.tokens.verifyAccessToken(token)).then(
          () => token,
          () => 'refused',
        ),
      ).toBe('refused')
    }
  }
})

describe.each<[string, Attack[]]>([
  ['without a signature', noSignature],
  ['with a public key as a secret', confusedKeys],
  ['with another algorithm or key', confusedAlgorithms],
  ['through the header', headers],
  ['through the spelling of the header', spelledHeaders],
  ['at the edge of a claim', edges],
  ['through the payload', payloads],
  ['through the form', forms],
])('no token is accepted %s', (_way, table) => {
  test.each(table)('%s', async (_what, makeToken) => {
    const token = await makeToken()
    const { status, body, headers: answered } = await verify(token)
    expect({ status, code: body['code'] }).toEqual({
      status: 401,
      code: expect.stringMatching(/^token_(invalid|expired|missing)$/),
    })
    expect(answered['www-authenticate']).toMatch(/^Bearer realm=/)
    const inBody = server.app.tokens.verifyAccessToken(token)
    await expect(inBody).rejects.toMatchObject({ code: expect.stringMatching(/^token_(invalid|expired)$/) })
  })
})

test('an expired token is valid within the leeway of 30 s, and so is one from the near future', async () => {
  expect((await verify(good(keys.es, { exp: secondsNow() - 20 }))).status).toBe(200)
  expect((await verify(good(keys.es, { iat: secondsNow() + 20, nbf: secondsNow() + 20 }))).status).toBe(200)
  expect((await verify(good(keys.es, { exp: secondsNow() - 31 }))).body['code']).toBe('token_expired')
})

/** ECDSA: (r, n − s) is a valid signature whenever (r, s) is. It belongs to the same token, and is revoked with it. */
test('the second signature of an ES256 token does not survive a logout', async () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const { accessToken, bearer } = await logIn(server)
  const [head = '', body = '', signature = ''] = accessToken.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const twinS = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex')
  const twin = [head, body, Buffer.concat([bytes.subarray(0, 32), twinS]).toString('base64url')].join('.')
  expect((await verify(twin)).status).toBe(200)
  await server.post('/v1/auth/logout', {}, bearer)
  expect((await verify(twin)).body['code']).toBe('session_revoked')
})

test('headers over 8 KiB are refused before they are read', async () => {
  const address = await server.app.listen({ host: '127.0.0.1', port: 0 })
  const status = await new Promise((resolve, reject) => {
    const sent = request(
      `${address}/v1/auth/verify`,
      { headers: { authorization: `Bearer ${'A'.repeat(20_000)}` } },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      },
    )
    sent.once('error', reject)
    sent.end()
  })
  expect(status).toBe(431)
})
