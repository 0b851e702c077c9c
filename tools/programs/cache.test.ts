import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

let cache: typeof import('./cache.ts')
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'authservice-cache-test-'))
  vi.stubEnv('XDG_CACHE_HOME', directory)
  cache = await import('./cache.ts')
})

afterAll(() => rm(directory, { recursive: true }))

test('a key depends on names and contents, not on their order', () => {
  const key = cache.cacheKey({ 'go.mod': 'a', 'go.sum': 'b' })
  expect(cache.cacheKey({ 'go.sum': 'b', 'go.mod': 'a' })).toBe(key)
  expect(cache.cacheKey({ 'go.mod': 'b', 'go.sum': 'a' })).not.toBe(key)
  expect(cache.cacheKey({ 'go.mod': 'a' })).not.toBe(key)
  expect(key).toMatch(/^[0-9a-f]{12}$/)
})

test('an entry is built once and then found', async () => {
  const build = vi.fn((unfinished: string) => writeFile(join(unfinished, 'program'), 'built'))
  const first = await cache.cached('once', { version: '1' }, build)
  expect(await cache.cached('once', { version: '1' }, build)).toBe(first)
  expect(build).toHaveBeenCalledOnce()
  expect(await readFile(join(first, 'program'), 'utf8')).toBe('built')
})

test('concurrent requests for an entry share one build', async () => {
  const build = vi.fn((unfinished: string) => writeFile(join(unfinished, 'program'), 'built'))
  const onWait = vi.fn()
  await Promise.all([1, 2].map(() => cache.cached('shared', { version: '1' }, build, onWait)))
  expect(build).toHaveBeenCalledOnce()
  expect(onWait).toHaveBeenCalledOnce()
})

test('a failed build leaves nothing, and the next request builds again', async () => {
  const failing = async (unfinished: string) => {
    await writeFile(join(unfinished, 'half'), '')
    throw new Error('no space left on device')
  }
  await expect(cache.cached('failing', { version: '1' }, failing)).rejects.toThrow('no space left')
  expect(await readdir(join(directory, 'authservice-operator/failing'))).toEqual([])
  const entry = await cache.cached('failing', { version: '1' }, async () => {})
  expect(existsSync(entry)).toBe(true)
})
