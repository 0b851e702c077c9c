import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { Problem } from '../problems/problem.ts'
import { IdTokenKeys } from './id-token-keys.ts'

const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
const at = (time: string) => new Date(`2026-01-01T${time}Z`)

function keysOf(...times: [activateAt: string, retireAt?: string][]): IdTokenKeys {
  const keys = times.map(([activateAt, retireAt], index) => ({
    kid: `key-${index}`,
    alg: 'RS256',
    jwk,
    createdAt: at(activateAt),
    activateAt: at(activateAt),
    ...(retireAt !== undefined && { retireAt: at(retireAt) }),
  }))
  const all = new IdTokenKeys()
  const file = all.asFile()
  file.replace(file.parse(JSON.stringify({ version: 1, keys })))
  return all
}

test('the active key comes first, and then those that verify', () => {
  const keys = keysOf(['10:00:00', '12:00:00'], ['11:00:00'], ['13:00:00'])
  const kidsAt = (time: string, alg: string) =>
    keys.privateKeys(at(time)).flatMap((key) => (key.alg === alg ? [key.kid] : []))
  expect(kidsAt('11:30:00', 'RS256')).toEqual(['key-1', 'key-0', 'key-2'])
  expect(kidsAt('12:30:00', 'RS256')).toEqual(['key-1', 'key-2'])
  expect(kidsAt('12:30:00', 'PS256')).toEqual(['key-1.PS256', 'key-2.PS256'])
})

test.each([
  ['before the first one is active', '09:00:00'],
  ['after the last one has retired', '12:00:00'],
])('no key signs %s, and none of the library does instead', (_when, time) => {
  const keys = keysOf(['10:00:00', '12:00:00'], ['13:00:00'])
  expect(() => keys.privateKeys(at(time))).toThrow(Problem)
  expect(() => keys.privateKeys(at(time))).toThrow('No key of ID tokens is active now.')
})
