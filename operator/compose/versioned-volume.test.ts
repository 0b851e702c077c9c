import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readVolume, writeVolume } from './versioned-volume.ts'

const group = process.getgid?.() ?? 0
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-volume-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a directory that is not there, or has no version yet, has no content', async () => {
  expect(await readVolume(join(folder, 'absent'))).toBeUndefined()
  expect(await readVolume(folder)).toBeUndefined()
})

test('only the owner and the group read what was written', async () => {
  const directory = join(folder, 'edge/tls')
  expect(await writeVolume(directory, { 'tls.key': 'secret' }, group)).toBe(true)
  expect(await readFile(join(directory, 'tls.key'), 'utf8')).toBe('secret')
  const modeOf = async (path: string) => ((await lstat(join(directory, path))).mode & 0o777).toString(8)
  expect(await modeOf('..data/tls.key')).toBe('440')
  expect(await modeOf(await readlink(join(directory, '..data')))).toBe('750')
  expect(await modeOf('.')).toBe('750')
})

test('the same content is not written again', async () => {
  await writeVolume(folder, { a: '1', b: '2' }, group)
  const version = await readlink(join(folder, '..data'))
  expect(await writeVolume(folder, { b: '2', a: '1' }, group)).toBe(false)
  expect(await readlink(join(folder, '..data'))).toBe(version)
})

test('new content replaces all files at once, and what an interrupted run has left', async () => {
  await writeVolume(folder, { a: '1', b: '2' }, group)
  const version = await readlink(join(folder, '..data'))
  await mkdir(join(folder, '..version_interrupted'))
  await writeFile(join(folder, '..data_next'), '')
  expect(await writeVolume(folder, { a: '1', c: '3' }, group)).toBe(true)
  expect(await readVolume(folder)).toEqual({ a: '1', c: '3' })
  const newVersion = await readlink(join(folder, '..data'))
  expect(newVersion).not.toBe(version)
  expect((await readdir(folder)).sort()).toEqual(['..data', newVersion, 'a', 'c'].sort())
})
