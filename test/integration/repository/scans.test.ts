import { resolve } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { pythonPackages } from '../../../tools/checkers/python-packages.ts'

const root = resolve(import.meta.dirname, '../../..')

/** What a scanner prints when it ends with 0; else everything that it said, as the error. */
async function scan(program: string, programArguments: string[]): Promise<string> {
  const { stdout } = await execa(program, programArguments, { cwd: root })
  return stdout
}

test('actionlint finds no mistake in the workflows', async () => {
  expect(await scan(await checker('actionlint'), ['-shellcheck=', '-pyflakes='])).toBe('')
}, 300_000)

test('zizmor finds no weakness in the workflows and in the configuration of Dependabot', async () => {
  const zizmor = resolve(await pythonPackages('zizmor'), 'bin/zizmor')
  const found = await scan(zizmor, ['--offline', '--strict-collection', '--format=json', '.github'])
  expect(JSON.parse(found)).toEqual([])
}, 300_000)

test('each action of a workflow is pinned to a commit, with its version in a comment', async () => {
  const { stdout } = await execa('grep', ['-rhE', '^ *(- )?uses:', '.github/workflows'], { cwd: root })
  const uses = stdout.split('\n')
  expect(uses.length).toBeGreaterThan(20)
  expect(uses.filter((line) => !/@[0-9a-f]{40} # v\d+[.]\d+[.]\d+$/.test(line))).toEqual([])
})

test('gitleaks finds no secret in the files', async () => {
  const options = ['--report-format=json', '--report-path=-', '--redact', '--no-banner', '--log-level=error']
  expect(JSON.parse(await scan(await checker('gitleaks'), ['dir', ...options, '.']))).toEqual([])
}, 300_000)

test('no file has markers of an unresolved merge', async () => {
  const { stdout, exitCode } = await execa('git', ['grep', '-nE', '^(<{7}|>{7}) '], { cwd: root, reject: false })
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 }) // 1: nothing was found
})
