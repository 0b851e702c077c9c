import { expect, test } from 'vitest'
import { issueAccessToken, readAccessToken } from './access-token.ts'
import { KeyStore, keyOfSecret } from './key-store.ts'
import { VerifiedTokens } from './verified-tokens.ts'

const policy = { issuer: 'https://auth.example.com', audience: 'tests', lifetimeSeconds: 900 }
const start = new Date('2026-01-01T00:00:00Z')
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000)

function setUp(most?: number) {
  const keys = new KeyStore()
  const key = keyOfSecret('0123456789abcdef0123456789abcdef')
  keys.replace([key])
  const checked: string[] = []
  const read = (token: string, now: Date) => {
    checked.push(token)
    return readAccessToken(keys, policy, token, now)
  }
  const verified = new VerifiedTokens(keys, read, most)
  return { keys, key, checked, verified, verify: async (token: string, now: Date) => verified.verify(token, now) }
}

async function tokenFor(keys: KeyStore, userId: string): Promise<string> {
  const session = { _id: `session-of-${userId}`, version: 0, expiresAt: after(86_400) }
  return (await issueAccessToken(keys, policy, { userId, role: 'user', session }, start)).token
}

test('the signature of a token is checked once, and its claims stay the same', async () => {
  const { keys, checked, verify } = setUp()
  const token = await tokenFor(keys, 'anna')
  const first = await verify(token, start)
  expect(await verify(token, after(1))).toEqual(first)
  expect(checked).toEqual([token])
})

test('a remembered token ends with its time, to the second', async () => {
  const { keys, verify } = setUp()
  const token = await tokenFor(keys, 'anna')
  await verify(token, start)
  await expect(verify(token, after(929))).resolves.toMatchObject({ sub: 'anna' })
  await expect(verify(token, after(930))).rejects.toMatchObject({ code: 'token_expired' })
})

test('a remembered token ends with its key: when that is removed, retired, or replaced under the same name', async () => {
  const { keys, key, verify } = setUp()
  const token = await tokenFor(keys, 'anna')
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

test('a token that differs in one character is not the one that is remembered', async () => {
  const { keys, verify } = setUp()
  const token = await tokenFor(keys, 'anna')
  await verify(token, start)
  const last = token.at(-1) === 'A' ? 'B' : 'A'
  await expect(verify(token.slice(0, -1) + last, start)).rejects.toMatchObject({ code: 'token_invalid' })
})

test('tokens with the same end are told apart by the rest', async () => {
  const { keys, checked, verify } = setUp()
  const token = await tokenFor(keys, 'anna')
  await verify(token, start)
  const [header, , signature] = token.split('.')
  const [, payloadOfMallory] = (await tokenFor(keys, 'mallory')).split('.')
  const forged = `${header}.${payloadOfMallory}.${signature}`
  await expect(verify(forged, start)).rejects.toMatchObject({ code: 'token_invalid' })
  // And the one whose end it borrowed is still remembered.
  await verify(token, start)
  expect(checked).toEqual([token, forged])
})

test('a token that is remembered is answered for without waiting', async () => {
  const { keys, verified } = setUp()
  const token = await tokenFor(keys, 'anna')
  expect(await verified.verify(token, start)).toMatchObject({ sub: 'anna' })
  expect(verified.verify(token, start)).toMatchObject({ sub: 'anna' })
})

test('refused tokens are not remembered, and good ones only up to the bound', async () => {
  const { keys, verified, verify } = setUp(10)
  await expect(verify('a.b.c', start)).rejects.toMatchObject({ code: 'token_invalid' })
  expect(verified.size).toBe(0)
  for (let user = 0; user < 50; user++) {
    await verify(await tokenFor(keys, `user-${user}`), start)
    expect(verified.size).toBeLessThanOrEqual(10)
  }
})

test('a token in use stays remembered while others come and go', async () => {
  const { keys, checked, verify } = setUp(10)
  const token = await tokenFor(keys, 'anna')
  for (let user = 0; user < 50; user++) {
    await verify(await tokenFor(keys, `user-${user}`), start)
    await verify(token, start)
  }
  expect(checked.filter((each) => each === token)).toHaveLength(1)
})
