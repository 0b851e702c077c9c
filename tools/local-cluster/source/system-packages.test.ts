import { expect, test } from 'vitest'
import { ensureFilesystemBuilder, missingPackages } from './system-packages.ts'

test('only missing packages are installed', () => {
  expect(missingPackages(() => true)).toEqual([])
  expect(missingPackages((path) => path !== '/usr/bin/mmdebstrap')).toEqual(['mmdebstrap'])
})

test('a machine without mmdebstrap gets it before a file system is built', async () => {
  const commands: string[] = []
  const log = {
    report: () => {},
    run: async (command: string, commandArguments: readonly string[]) => {
      commands.push([command, ...commandArguments].join(' '))
      return ''
    },
  }
  await ensureFilesystemBuilder(log, (path) => path !== '/usr/bin/mmdebstrap')
  expect(commands.at(-1)).toBe('apt-get install --yes --no-install-recommends mmdebstrap')

  commands.length = 0
  await ensureFilesystemBuilder(log, () => true)
  expect(commands).toEqual([])
})
