import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SetupError } from './settings.ts'
import { setup } from './setup.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-setup-'))
})
afterAll(() => rm(folder, { recursive: true }))

test.each<[string, string[], Record<string, string>, RegExp]>([
  ['an unknown command', ['remove'], {}, /^Usage: docker compose run/],
  ['an unknown option', ['--force'], {}, /'--force'.*\nUsage: docker compose run/],
  ['a revocation without the command', ['--revoke', 'key'], {}, /^Usage: docker compose run/],
  ['an invalid setting', [], { AUTH_HOST: 'a b' }, /AUTH_HOST=a b is invalid/],
  ['an import of nothing', ['import-certificate'], {}, /found 0 certificates and 0 keys/],
])('%s is refused, and nothing is written', async (_, programArguments, environment, reason) => {
  const refused = setup(['--directory', folder, ...programArguments], environment, async () => '')
  await expect(refused).rejects.toThrow(reason)
  await expect(refused).rejects.toThrow(SetupError)
  expect(await readdir(folder)).toEqual([])
})

test('volumes that cannot be used are named, with how to run setup', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const refused = setup(['--directory', file], {}, async () => '')
  // All volumes are read at the same time: the message names the first one that fails.
  await expect(refused).rejects.toThrow(/file\/\S+ cannot be used.*as compose\.yaml does/)
})
