import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { list, type ReadEntry } from 'tar'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findInLayers, writeLayer } from './layer.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layer-test-'))
  await mkdir(join(folder, 'dist/inner'), { recursive: true })
  await writeFile(join(folder, 'dist/main.js'), 'main')
  await writeFile(join(folder, 'dist/inner/b.js'), 'b')
})
afterAll(() => rm(folder, { recursive: true }))

const time = new Date('2026-01-02T03:04:05Z')
const write = (name: string, removed: string[] = []) =>
  writeLayer(join(folder, name), { files: { app: join(folder, 'dist') }, removed, time })

test('the same content gives the same bytes, whenever its files were written', async () => {
  const first = await write('first.tar.gz')
  await utimes(join(folder, 'dist/main.js'), new Date(0), new Date(0))
  const second = await write('second.tar.gz')
  expect(second.diffId).toBe(first.diffId)
  expect(await readFile(second.file)).toEqual(await readFile(first.file))
})

test('every entry belongs to root, files have the time of the commit, and each folder comes before its content', async () => {
  const { file } = await write('entries.tar.gz', ['opt/yarn-v1', 'usr/local/bin/npm'])
  const entries: ReadEntry[] = []
  await list({ file, onReadEntry: (entry) => entries.push(entry) })
  expect(entries.map(({ path }) => path)).toEqual([
    'app/',
    'app/inner/',
    'app/inner/b.js',
    'app/main.js',
    'opt/',
    'opt/.wh.yarn-v1',
    'usr/',
    'usr/local/',
    'usr/local/bin/',
    'usr/local/bin/.wh.npm',
  ])
  for (const { type, mtime, uid = 0, gid = 0 } of entries) {
    const expected = type === 'File' ? time : undefined // tar gives folders none, which is as reproducible
    expect({ mtime, uid, gid }).toEqual({ mtime: expected, uid: 0, gid: 0 })
  }
})

test('a path to remove is found in the layers below, also by a pattern', async () => {
  const layer = await write('below.tar.gz')
  expect(await findInLayers([layer], ['/app/inner', '/app/ma*', '/opt/yarn*'])).toEqual(['app/inner', 'app/main.js'])
})
