import { randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { issueAccessToken, readAccessToken, type TokenPolicy } from './access-token.ts'
import { KeyStore } from './key-store.ts'
import { parseKeySet } from './parse-key-set.ts'
import { VerifiedTokens } from './verified-tokens.ts'

const policy = { issuer: 'https://auth.example.com', audience: 'apps', lifetimeSeconds: 900 }
const verifyAccessToken = async (keys: KeyStore, policy: TokenPolicy, token: string, now: Date) =>
  new VerifiedTokens(keys, (unknown, at) => readAccessToken(keys, policy, unknown, at)).verify(token, now)
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
  keys.replace(parseKeySet(JSON.stringify({ version: 1, keys: [key('old', 0, retireAt), key('next', switchAt)] })))
  return keys
}

const at = (milliseconds: number) => new Date(milliseconds)

test('every server changes the signer at the same moment, and no token is refused for it', async () => {
  const keys = rotatingKeys()
  const before = await issueAccessToken(keys, policy, subject, at(switchAt - 1))
  const after = await issueAccessToken(keys, policy, subject, at(switchAt))
  expect([before, after].map(({ token }) => decodeProtectedHeader(token).kid)).toEqual(['old', 'next'])
  // A server whose clock is behind accepts the new one; every server accepts the old one until it expires.
  await verifyAccessToken(keys, policy, after.token, at(switchAt - 20_000))
  await verifyAccessToken(keys, policy, before.token, at(switchAt + 899_000))
})

test('a retired key verifies nothing', async () => {
  const keys = rotatingKeys()
  const long = { ...policy, lifetimeSeconds: 3_600 }
  const { token } = await issueAccessToken(keys, long, subject, at(switchAt - 1))
  await verifyAccessToken(keys, long, token, at(retireAt - 1))
  await expect(verifyAccessToken(keys, long, token, at(retireAt))).rejects.toMatchObject({ code: 'token_invalid' })
})

test('a token has the claims that are promised, and ends with its session', async () => {
  const keys = rotatingKeys()
  const ending = { ...subject, session: { _id: 'sid', version: 17, expiresAt: at(switchAt + 100_000) } }
  const { token, expiresInSeconds, jti } = await issueAccessToken(keys, policy, ending, at(switchAt))
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
    nbf: iat,
    exp: iat + 100,
  })
  expect(expiresInSeconds).toBe(100)
})

test('without a signer there is no token, and the client is told to come back', async () => {
  await expect(issueAccessToken(new KeyStore(), policy, subject, at(switchAt))).rejects.toMatchObject({
    statusCode: 503,
    code: 'not_ready',
  })
})

test.each([
  ['the last moment of its leeway', 930_000 - 1, undefined],
  ['the first moment after it', 930_000, 'token_expired'],
  ['30 s before it was issued', -30_000, undefined],
  ['more than 30 s before it was issued', -30_001, 'token_invalid'],
])('a token at %s: %s ms, %s', async (_when, milliseconds, code) => {
  const keys = rotatingKeys()
  const { token } = await issueAccessToken(keys, policy, subject, at(switchAt))
  const outcome = await verifyAccessToken(keys, policy, token, at(switchAt + milliseconds)).then(
    () => undefined,
    (error) => error.code,
  )
  expect(outcome).toBe(code)
})
