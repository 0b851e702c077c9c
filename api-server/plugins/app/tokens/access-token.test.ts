import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { maxClaimBytes } from '@authservice-operator/contract/custom-claims.ts'
import fastify from 'fastify'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { Problem } from '../problems/problem.ts'
import { asProblem, registerAccessTokens } from './issue-and-verify.ts'
import { KeyStore, keyOfSecret } from './key-store.ts'
import { loadKeySet } from './load-key-set.ts'

const policy = { issuer: 'https://auth.example.com', audience: 'apps', lifetimeSeconds: 900 }
const switchAt = Date.parse('2026-03-01T00:00:00Z')
const retireAt = switchAt + 930_000
const subject = {
  userId: '65f000000000000000000000',
  role: 'user',
  session: { _id: 'sid', version: 0, expiresAt: new Date('2026-04-01T00:00:00Z') },
}

function rotatingKeys(): KeyStore {
  const key = (kid: string, activateAt: number, until?: number) => ({
    kid,
    alg: 'HS256',
    jwk: { kty: 'oct', k: randomBytes(32).toString('base64url') },
    createdAt: new Date(activateAt).toISOString(),
    activateAt: new Date(activateAt).toISOString(),
    ...(until !== undefined && { retireAt: new Date(until).toISOString() }),
  })
  const keys = new KeyStore()
  keys.replace(loadKeySet(JSON.stringify({ version: 1, keys: [key('old', 0, retireAt), key('next', switchAt)] })))
  return keys
}

const at = (milliseconds: number) => new Date(milliseconds)

/** A server at a moment. */
async function serverAt(milliseconds: number, keys: KeyStore, change: Partial<typeof policy> = {}) {
  const app = fastify()
  const requireActiveSession = async () => {}
  const now = () => at(milliseconds)
  const tokens = await registerAccessTokens(app, { keys, policy: { ...policy, ...change }, requireActiveSession, now })
  let failure: unknown
  app.get('/', async (request) =>
    request.jwtVerify().catch((error: unknown) => {
      failure = error
    }),
  )
  /** In the header of a request and in a body. @returns the code of the problem */
  const verify = async (token: string): Promise<string | undefined> => {
    failure = undefined
    await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })
    const inHeader = codeOf(asProblem(failure))
    const inBody = await Promise.try(() => tokens.verify(token)).then(() => undefined, codeOf)
    expect(inHeader).toBe(inBody)
    return inHeader
  }
  return { issue: tokens.issue, verify }
}

const codeOf = (error: unknown) =>
  error === undefined ? undefined : error instanceof Problem ? error.code : `no problem: ${String(error)}`

test('every server changes the signer at the same moment, and no token is refused for it', async () => {
  const keys = rotatingKeys()
  const [before, after] = await Promise.all(
    [switchAt - 1, switchAt].map(async (time) => (await serverAt(time, keys)).issue(subject).token),
  )
  expect([before, after].map((token = '') => decodeProtectedHeader(token).kid)).toEqual(['old', 'next'])
  // A server whose clock is behind accepts the new one; every server accepts the old one until it expires.
  expect(await (await serverAt(switchAt - 20_000, keys)).verify(after ?? '')).toBeUndefined()
  expect(await (await serverAt(switchAt + 899_000, keys)).verify(before ?? '')).toBeUndefined()
})

test('a retired key verifies nothing', async () => {
  const keys = rotatingKeys()
  const long = { lifetimeSeconds: 3_600 }
  const { token } = (await serverAt(switchAt - 1, keys, long)).issue(subject)
  expect(await (await serverAt(retireAt - 1, keys, long)).verify(token)).toBeUndefined()
  expect(await (await serverAt(retireAt, keys, long)).verify(token)).toBe('token_invalid')
})

test('a token has the claims that are promised, and ends with its session', async () => {
  const ending = { ...subject, session: { _id: 'sid', version: 17, expiresAt: at(switchAt + 100_000) } }
  const { token, expiresInSeconds, jti } = (await serverAt(switchAt, rotatingKeys())).issue(ending)
  const iat = switchAt / 1000
  expect(decodeJwt(token)).toEqual({
    iss: policy.issuer,
    aud: policy.audience,
    sub: subject.userId,
    sid: 'sid',
    role: 'user',
    ver: 17,
    jti,
    iat,
    // Verifiers whose clock is behind, and that allow for no difference, accept a token that was just issued.
    nbf: iat - 30,
    exp: iat + 100,
    client_id: 'first-party',
  })
  expect(expiresInSeconds).toBe(100)
})

test('the header of a token is the text that servers of every version compare, byte by byte', async () => {
  const { token } = (await serverAt(switchAt, rotatingKeys())).issue(subject)
  const [header = ''] = token.split('.')
  expect(Buffer.from(header, 'base64url').toString()).toBe('{"alg":"HS256","kid":"next","typ":"at+jwt"}')
})

test('without an active key there is no token, and the client is told to retry', async () => {
  const { issue } = await serverAt(switchAt, new KeyStore())
  expect(() => issue(subject)).toThrow(expect.objectContaining({ statusCode: 503, code: 'not_ready' }))
})

test.each([
  ['the last moment of its leeway', 930_000 - 1, undefined],
  ['the first moment after it', 930_000, 'token_expired'],
  ['30 s before it was issued', -30_000, undefined],
  ['more than 30 s before it was issued', -30_001, 'token_invalid'],
])('a token at %s: %s ms, %s', async (_when, milliseconds, code) => {
  const keys = rotatingKeys()
  const { token } = (await serverAt(switchAt, keys)).issue(subject)
  expect(await (await serverAt(switchAt + milliseconds, keys)).verify(token)).toBe(code)
})

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
test.each([
  ['a private key', pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ['a public key', pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
  ['a certificate', `-----BEGIN CERTIFICATE-----\n${randomBytes(300).toString('base64')}\n-----END CERTIFICATE-----\n`],
  ['a JWK', JSON.stringify(pair.privateKey.export({ format: 'jwk' }))],
  ['64 random characters', randomBytes(48).toString('base64url')],
  ['65 random characters', `${randomBytes(48).toString('base64url')}x`],
])('a secret that is %s signs and verifies by HMAC, as any other', async (_what, secret) => {
  const keys = new KeyStore()
  keys.replace([keyOfSecret(secret)])
  const server = await serverAt(switchAt, keys)
  const { token } = server.issue(subject)
  expect(await server.verify(token)).toBeUndefined()
  const [header, payload, signature] = token.split('.')
  expect(signature).toBe(createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url'))
})

test('custom claims replace no other claim of a token, and the largest ones fit into it', async () => {
  const { issue, verify } = await serverAt(switchAt, rotatingKeys())
  const evil = {
    iss: 'https://evil.example',
    sub: 'admin',
    role: 'admin',
    sid: 'other',
    ver: 9,
    aud: 'others',
    exp: 9e9,
  }
  const { token } = issue({ ...subject, custom: { ...evil, department: 'sales', roles: ['viewer'] } })
  expect(decodeJwt(token)).toMatchObject({
    iss: policy.issuer,
    sub: subject.userId,
    role: 'user',
    sid: 'sid',
    ver: 0,
    aud: 'apps',
    department: 'sales',
    roles: ['viewer'],
  })
  expect(await verify(token)).toBeUndefined()
  const custom = { text: 'x'.repeat(maxClaimBytes) }
  expect(await verify(issue({ ...subject, custom }).token)).toBeUndefined()
})
