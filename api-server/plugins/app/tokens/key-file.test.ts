import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { KeyFile, type KeyFileNews, signingKeys } from './key-file.ts'
import { KeyStore, type LoadedKey } from './key-store.ts'

let folder: string
let file: string
let keys: KeyStore
let news: KeyFileNews[]
let follower: KeyFile<LoadedKey>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-keys-'))
  file = join(folder, 'keys.json')
  keys = new KeyStore()
  news = []
  follower = new KeyFile(file, signingKeys(keys), (one) => news.push(one))
})

afterEach(async () => {
  await follower.stop()
  await rm(folder, { recursive: true })
})

function keySet(...kids: string[]): string {
  return keySetFrom('2026-01-01T00:00:00Z', ...kids)
}

function keySetFrom(activateAt: string, ...kids: string[]): string {
  const jwk = () => ({ kty: 'oct', k: randomBytes(32).toString('base64url') })
  return JSON.stringify({
    version: 1,
    keys: kids.map((kid) => ({ kid, alg: 'HS256', jwk: jwk(), createdAt: activateAt, activateAt })),
  })
}

const loaded = () => keys.all().map(({ kid }) => kid)

/** As the kubelet does it: a new folder, and one link that is replaced. */
async function writeVolume(version: string, text: string): Promise<void> {
  const data = join(folder, `..${version}`)
  await mkdir(data)
  await writeFile(join(data, 'keys.json'), text)
  await symlink(`..${version}`, join(folder, '..data_tmp'))
  await rename(join(folder, '..data_tmp'), join(folder, '..data'))
}

test('a Secret volume that swaps its link is followed', async () => {
  await writeVolume('2026_01', keySet('old'))
  await symlink(join('..data', 'keys.json'), file)
  await follower.load()
  follower.follow()
  expect(loaded()).toEqual(['old'])

  await writeVolume('2026_02', keySet('old', 'next'))
  await vi.waitFor(() => expect(loaded()).toEqual(['old', 'next']), { timeout: 9_000 })
  expect(news).toEqual([{ kind: 'changed', kids: ['old', 'next'] }])
})

test.each([
  ['is no JSON', '{"version": 1, "ke'],
  ['has no key', JSON.stringify({ version: 1, keys: [] })],
  ['has no key that signs now', keySetFrom('2999-01-01T00:00:00Z', 'future')],
])('a file that %s changes nothing, is reported once, and is replaced by a valid one', async (_what, broken) => {
  await writeFile(file, keySet('old'))
  await follower.load()
  follower.follow()
  await writeFile(file, broken)
  await vi.waitFor(() => expect(news.at(-1)?.kind).toBe('unusable'), { timeout: 9_000 })
  expect(loaded()).toEqual(['old'])

  await writeFile(join(folder, 'something-else'), 'makes it look again')
  await writeFile(`${file}.new`, keySet('mended'))
  await rename(`${file}.new`, file)
  await vi.waitFor(() => expect(news.at(-1)?.kind).toBe('recovered'), { timeout: 9_000 })
  expect(loaded()).toEqual(['mended'])
  const reported = news.map((one) => (one.kind === 'unusable' ? one.reason : one.kind))
  expect(new Set(reported).size).toBe(reported.length)
})

test('a file that is gone leaves the keys in use', async () => {
  await writeFile(file, keySet('old'))
  await follower.load()
  follower.follow()
  await unlink(file)
  await vi.waitFor(() => expect(news).toEqual([{ kind: 'unusable', reason: expect.stringContaining('ENOENT') }]), {
    timeout: 9_000,
  })
  expect(loaded()).toEqual(['old'])
})

test('a server does not start without keys, and says which file it is', async () => {
  await expect(follower.load()).rejects.toThrow(`the signing keys in ${file} cannot be read (ENOENT)`)
  await writeFile(file, '{}')
  await expect(follower.load()).rejects.toThrow(`the signing keys in ${file} cannot be used: `)
})
