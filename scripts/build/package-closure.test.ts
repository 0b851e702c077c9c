import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageClosure } from './package-closure.ts'

let root = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'closure-'))
  await install('node_modules/native', { loader: '1', shared: '1' })
  await install('node_modules/loader', {})
  await install('node_modules/shared', {})
  await install('node_modules/@scope/ui', { shared: '2' })
  await install('node_modules/@scope/ui/node_modules/shared', { native: '1' })
  await install('node_modules/unused', {})
  // Node does not look here.
  await install('node_modules/node_modules/loader', {})
})

afterAll(() => rm(root, { recursive: true }))

test('the closure contains what the named packages need, nothing else, and keeps two versions separate', async () => {
  const closure = await packageClosure(join(root, 'server'), ['native', '@scope/ui'])
  expect(closure.map(({ path }) => path).sort()).toEqual([
    '@scope/ui',
    '@scope/ui/node_modules/shared',
    'loader',
    'native',
    'shared',
  ])
})

test('a package that is not installed is named, with the package that needs it and the command to run', async () => {
  await expect(packageClosure(root, ['absent'])).rejects.toThrow(/absent, which .* needs, is not installed: run npm ci/)
})

async function install(path: string, dependencies: Record<string, string>): Promise<void> {
  await mkdir(join(root, path), { recursive: true })
  await writeFile(join(root, path, 'package.json'), JSON.stringify({ dependencies }))
}
