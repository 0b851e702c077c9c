import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPlugin } from './plugin.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-plugin-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('the plug-in is one file that runs from any folder on PATH, under the name that kubectl expects', async () => {
  await buildPlugin(folder)
  // kubectl starts it like this, with the arguments after `kubectl authservice`.
  const PATH = `${folder}:${process.env['PATH']}`
  const { stdout } = await promisify(execFile)('kubectl-authservice', ['version'], { env: { PATH }, cwd: tmpdir() })
  expect(stdout).toMatch(/^kubectl-authservice \d+\.\d+\.\d+\n$/)
})

test('it also runs where it was built, in a project of ES modules', async () => {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const file = await buildPlugin(join(folder, 'dist'))
  const { stdout } = await promisify(execFile)(file, ['version'], { env: { PATH: process.env['PATH'] } })
  expect(stdout).toMatch(/^kubectl-authservice /)
})
