import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../../../package.json' with { type: 'json' }
import { releaseClient } from '../../../scripts/release/client.ts'
import { StepLog } from '../../../tools/programs/step-log.ts'
import { documentedBlocks } from '../../documentation/blocks.ts'
import { type AppForTest, password, startApp } from './app-for-test.ts'

const root = resolve(import.meta.dirname, '../../..')
const email = 'ada@example.com'

/** The project of a user, outside of this checkout. */
let project: string
let server: AppForTest
let example: string

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'authservice-client-user-'))
  const tarball = await releaseClient(project, { version: manifest.version }, new StepLog(join(project, 'release.log')))
  await writeFile(join(project, 'package.json'), '{ "type": "module", "private": true }')
  await execa('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: project })
  server = await startApp()
  await server.app.listen({ host: '127.0.0.1', port: 0 })
  // The type of a TCP server's address.
  const { port } = server.app.server.address() as AddressInfo
  await server.post('/v1/auth/register', { email, password, name: 'Ada' })
  example = onPage()
    .replace('https://auth.example.com', `http://127.0.0.1:${port}`)
    .replace('correct horse battery staple', password)
}, 120_000)
afterAll(async () => {
  await server.close()
  await rm(project, { recursive: true })
})

/** The example on the page of the package. */
function onPage(): string {
  const blocks = documentedBlocks().filter(
    ({ page, language }) => page === 'docs/server/client/README.md' && language === 'ts',
  )
  expect(blocks).toHaveLength(1)
  return blocks[0]?.text ?? ''
}

/** Compiles a file of the user as strictly as this project, and the types of the package with it. */
function compile(file: string) {
  const options = ['--ignoreConfig', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess']
  const target = ['--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', '--types', '']
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  return execa(process.execPath, [compiler, ...options, ...target, file], { cwd: project, reject: false, all: true })
}

test('the example of its page compiles in an empty project, and logs a user in', async () => {
  await writeFile(join(project, 'example.ts'), example)
  expect((await compile('example.ts')).all).toBe('')
  const { stdout } = await execa(process.execPath, ['example.js'], { cwd: project })
  expect(stdout).toBe(`${email} is logged in\nSessions: 1`)
}, 60_000)

test('a path or a field that the server does not have does not compile', async () => {
  const wrong = example.replace("'/v1/me/sessions'", "'/v1/me/sesions'").replace('user.email', 'user.mail')
  await writeFile(join(project, 'wrong.ts'), wrong)
  const { all } = await compile('wrong.ts')
  expect(all, 'no such path, so no such response').toMatch(/Property 'sessions' does not exist/)
  expect(all).toMatch(/Property 'mail' does not exist/)
}, 60_000)

test('the package has the version of the project, its license and its page, and nothing of the checkout', async () => {
  const folder = join(project, 'node_modules/@authservice-operator/client')
  const { stdout } = await execa('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder })
  const [packed] = JSON.parse(stdout)
  expect(packed).toMatchObject({ name: '@authservice-operator/client', version: manifest.version })
  expect(packed.files.map(({ path }: { path: string }) => path).sort()).toEqual([
    'LICENSE',
    'README.md',
    'dist/api.generated.d.ts',
    'dist/api.generated.js',
    'dist/client.d.ts',
    'dist/client.js',
    'package.json',
  ])
  const page = await readFile(join(folder, 'README.md'), 'utf8')
  expect(page).toContain('](https://github.com/authservice-operator/authservice-operator/blob/main/docs/server/api.md#')
  expect(page).not.toMatch(/\]\(\.\.?\//)
})
