import fastify from 'fastify'
import { expect, test } from 'vitest'
import { registerAccessTokens } from './issue-and-verify.ts'
import { KeyStore, keyOfSecret } from './key-store.ts'
import { VerifiedTokens } from './verified-tokens.ts'

const policy = { issuer: 'https://auth.example.com', audience: 'tests', lifetimeSeconds: 900 }
const start = new Date('2026-01-01T00:00:00Z')
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000)

async function setUp(most?: number) {
  const keys = new KeyStore()
  const key = keyOfSecret('0123456789abcdef0123456789abcdef')
  keys.replace([key])
  let now = start
  const server = await registerAccessTokens(fastify(), {
    keys,
    policy,
    now: () => now,
    requireActiveSession: async () => {},
  })
  const checked: string[] = []
  const verified = new VerifiedTokens(keys, most)
  return {
    keys,
    key,
    checked,
    verified,
    verify: async (token: string, at: Date, meanwhile = async () => {}) => {
      now = at
      const check = async () => {
        checked.push(token)
        const claims = server.verify(token)
        await meanwhile()
        return claims
      }
      return verified.find(token, now) ?? verified.verifyAndRemember(token, () => now, check)
    },
    tokenFor: (userId: string) => {
      now = start
      const session = { _id: `session-of-${userId}`, version: 0, expiresAt: after(86_400) }
      return server.issue({ userId, role: 'user', session }).token
    },
  }
}

test('the signature of a token is checked once, and its claims stay the same', async () => {
  const { checked, tokenFor, verify } = await setUp()
  const token = tokenFor('anna')
  const first = await verify(token, start)
  expect(await verify(token, after(1))).toEqual(first)
  expect(checked).toEqual([token])
})

test('a remembered token ends with its time, to the second', async () => {
  const { checked, tokenFor, verify } = await setUp()
  const token = tokenFor('anna')
  await verify(token, start)
  await expect(verify(token, after(929))).resolves.toMatchObject({ sub: 'anna' })
  expect(checked).toHaveLength(1)
  await expect(verify(token, after(930))).rejects.toMatchObject({ code: 'token_expired' })
})

test('a remembered token ends with its key: when that is removed, retired, or replaced under the same name', async () => {
  const { keys, key, tokenFor, verify } = await setUp()
  const token = tokenFor('anna')
  const refused = expect.objectContaining({ code: 'token_invalid' })

  await verify(token, start)
  keys.replace([])
  await expect(verify(token, start)).rejects.toEqual(refused)

  keys.replace([key])
  await verify(token, start)
  keys.replace([{ ...key, retireAt: after(60).toISOString() }])
  await expect(verify(token, after(59))).resolves.toMatchObject({ sub: 'anna' })
  await expect(verify(token, after(60))).rejects.toEqual(refused)

  keys.replace([key])
  await verify(token, start)
  keys.replace([keyOfSecret('another secret under the name of the first')])
  await expect(verify(token, start)).rejects.toEqual(refused)
})

test('a token whose key is replaced or removed while it is verified is not remembered', async () => {
  const { keys, key, tokenFor, verified, verify } = await setUp()
  const token = tokenFor('anna')
  const another = keyOfSecret('another secret under the name of the first')
  for (const replacement of [[another], []]) {
    keys.replace([key])
    await expect(verify(token, start, async () => keys.replace(replacement))).resolves.toMatchObject({ sub: 'anna' })
    expect(verified.size).toBe(0)
    await expect(verify(token, start)).rejects.toMatchObject({ code: 'token_invalid' })
  }
})

test('a token that differs in one character is not the one that is remembered', async () => {
  const { tokenFor, verify } = await setUp()
  const token = tokenFor('anna')
  await verify(token, start)
  const last = token.at(-1) === 'A' ? 'B' : 'A'
  await expect(verify(token.slice(0, -1) + last, start)).rejects.toMatchObject({ code: 'token_invalid' })
})

test('tokens with the same end are told apart by the rest', async () => {
  const { checked, tokenFor, verify } = await setUp()
  const token = tokenFor('anna')
  await verify(token, start)
  const [header, , signature] = token.split('.')
  const [, payloadOfMallory] = tokenFor('mallory').split('.')
  const forged = `${header}.${payloadOfMallory}.${signature}`
  await expect(verify(forged, start)).rejects.toMatchObject({ code: 'token_invalid' })
  // And the one whose end it borrowed is still remembered.
  await verify(token, start)
  expect(checked).toEqual([token, forged])
})

test('a token that is remembered is answered for without waiting', async () => {
  const { tokenFor, verified, verify } = await setUp()
  const token = tokenFor('anna')
  expect(verified.find(token, start)).toBeUndefined()
  await verify(token, start)
  expect(verified.find(token, start)).toMatchObject({ sub: 'anna' })
})

test('refused tokens are not remembered, and good ones only up to the bound', async () => {
  const { tokenFor, verified, verify } = await setUp(10)
  await expect(verify('a.b.c', start)).rejects.toMatchObject({ code: 'token_invalid' })
  expect(verified.size).toBe(0)
  for (let user = 0; user < 50; user++) {
    await verify(tokenFor(`user-${user}`), start)
    expect(verified.size).toBeLessThanOrEqual(10)
  }
})

test('a token in use stays remembered while others come and go', async () => {
  const { checked, tokenFor, verify } = await setUp(10)
  const token = tokenFor('anna')
  for (let user = 0; user < 50; user++) {
    await verify(tokenFor(`user-${user}`), start)
    await verify(token, start)
  }
  expect(checked.filter((each) => each === token)).toHaveLength(1)
})
