import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { followAcceptedKeys } from './accepted-keys.ts'
import { KeyStore } from './key-store.ts'
import { loadKeySet } from './load-key-set.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'accepted-keys-'))
})
afterEach(() => rm(folder, { recursive: true }))

const now = new Date('2026-11-24T12:00:00Z')
const keySet = (kid: string, activateAt: string, retireAt?: string) => {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const key = { kid, alg: 'EdDSA', jwk, createdAt: activateAt, activateAt, ...(retireAt !== undefined && { retireAt }) }
  return JSON.stringify({ version: 1, keys: [key] })
}
const headerOf = (kid: string) =>
  Buffer.from(JSON.stringify({ alg: 'EdDSA', kid, typ: 'at+jwt' })).toString('base64url')

test('tokens of keys of before are verified, and nothing is signed with them, until they end', async () => {
  const file = join(folder, 'accepted.json')
  // Activated after the key that signs: among the signing keys it would be the one that signs.
  await writeFile(file, keySet('old', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z'))
  const keys = new KeyStore()
  const stop = await followAcceptedKeys(file, keys, () => expect.unreachable())
  keys.replace(loadKeySet(keySet('new', '2026-11-01T00:00:00Z')))

  expect(keys.signer(now)?.kid).toBe('new')
  expect(keys.verifier(headerOf('old'), now)?.kid).toBe('old')
  expect(keys.published(now).keys.map(({ kid }) => kid)).toEqual(['new', 'old'])
  const later = new Date('2026-11-25T00:00:00Z')
  expect(keys.verifier(headerOf('old'), later)).toBeUndefined()
  expect(keys.published(later).keys.map(({ kid }) => kid)).toEqual(['new'])
  stop()
})

test('without a file there are none, and one that cannot be used takes nothing away', async () => {
  const keys = new KeyStore()
  keys.replace(loadKeySet(keySet('new', '2026-11-01T00:00:00Z')))
  const reported: string[] = []
  const stops = [await followAcceptedKeys(join(folder, 'none.json'), keys, (reason) => reported.push(reason))]
  expect(reported).toEqual([])
  await writeFile(join(folder, 'broken.json'), '{')
  stops.push(await followAcceptedKeys(join(folder, 'broken.json'), keys, (reason) => reported.push(reason)))
  expect(reported).toHaveLength(1)
  expect(keys.signer(now)?.kid).toBe('new')
  for (const stop of stops) stop()
})
