import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeCacheOf, loadScript, runScript } from './code-cache.ts'

// V8 remembers what this process has compiled, and would not look at a code cache.
setFlagsFromString('--no-compilation-cache')

interface Sums {
  add(a: number, b: number): number
  path: string
}
const sums =
  "exports.add = (a, b) => a + b\nexports.path = require('node:path').join(__dirname, 'there') // its last line"
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'code-cache-'))
  file = join(folder, 'sums.cjs')
  await writeFile(file, sums)
})
afterEach(() => rm(folder, { recursive: true }))

async function writeCache(): Promise<void> {
  await writeFile(codeCacheOf(file), runScript<Sums>(file).script.createCachedData())
}

test('a script runs without a code cache', () => {
  const { exports, cache } = runScript<Sums>(file)
  expect(cache).toBe('missing')
  expect(exports.add(1, 2)).toBe(3)
  expect(exports.path).toBe(join(folder, 'there'))
})

test('a script runs by the code cache beside it', async () => {
  await writeCache()
  const { exports, cache } = runScript<Sums>(file)
  expect(cache).toBe('used')
  expect(exports.add(1, 2)).toBe(3)
})

test.each([
  ['of another script', () => writeFile(file, "exports.add = () => 'another'")],
  ['that was cut off', () => truncate(codeCacheOf(file), 100)],
  ['that is empty', () => truncate(codeCacheOf(file))],
])('a code cache %s is rejected, and the script is compiled', async (_, spoil) => {
  await writeCache()
  await spoil()
  const { exports, cache } = runScript<Sums>(file)
  expect(cache).toBe('rejected')
  expect(exports.add(1, 2)).toBeOneOf([3, 'another'])
})

test('a code cache that cannot be read is an error', async () => {
  await mkdir(codeCacheOf(file))
  expect(() => runScript(file)).toThrow(/EISDIR/)
})

test("a server that maps its stack traces has the script loaded by Node's own loader, which can", () => {
  expect(loadScript<Sums>(file).cache).toBe('missing')
  const before = process.sourceMapsEnabled
  process.setSourceMapsEnabled(true)
  try {
    const { exports, cache } = loadScript<Sums>(file)
    expect(cache).toBe('not asked')
    expect(exports.add(1, 2)).toBe(3)
    expect(createRequire(file).cache).toHaveProperty([file])
  } finally {
    process.setSourceMapsEnabled(before)
  }
})
