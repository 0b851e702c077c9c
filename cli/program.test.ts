import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import manifest from './package.json' with { type: 'json' }

const run = (...programArguments: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...programArguments])

test('version prints the version of the plug-in, for people and for programs', async () => {
  expect((await run('version')).stdout).toBe(`kubectl-authservice ${manifest.version}\n`)
  expect(JSON.parse((await run('version', '-o', 'json')).stdout)).toEqual({ client: manifest.version })
})

test('an unknown command or format ends with what to write instead', async () => {
  await expect(run('promte')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--help lists the commands'),
  })
  await expect(run('version', '-o', 'yaml')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--output json'),
  })
})
