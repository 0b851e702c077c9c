import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import manifest from '../../../package.json' with { type: 'json' }
import { buildExecutables } from '../../../scripts/release/executable.ts'
import { hostPlatform } from '../../../scripts/release/node-binaries.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'
import { StepLog } from '../../../tools/programs/step-log.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'

const { kubeconfigPath } = inject('apiServer')

/** The root directory of a machine that has the C++ library, the plug-in and kubectl, and nothing else. */
let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'authservice-machine-'))
  const platform = hostPlatform()
  const executable = (
    await buildExecutables(join(root, 'built'), [platform], new StepLog(join(root, 'build.log')))
  ).get(platform)
  if (executable === undefined) throw new Error(`no executable for ${platform}`)
  await mkdir(join(root, 'bin'))
  await copyFile(executable, join(root, 'bin/kubectl-authservice'))
  await rm(join(root, 'built'), { recursive: true })
  // A kubectl of Go needs no library.
  await copyFile((await kubernetesBinaries()).kubectl, join(root, 'bin/kubectl'))
  await copyFile(kubeconfigPath, join(root, 'kubeconfig'))
  for (const library of await librariesOf(join(root, 'bin/kubectl-authservice'))) {
    await mkdir(join(root, dirname(library)), { recursive: true })
    await copyFile(library, join(root, library))
  }
}, 300_000)
afterAll(() => rm(root, { recursive: true }))

async function librariesOf(file: string): Promise<string[]> {
  const { stdout } = await execa('ldd', [file])
  return stdout.match(/\/\S+/g) ?? []
}

/** Runs a command on that machine, without a variable of this one. */
async function run(command: string, variables: Record<string, string> = {}) {
  const chroot = ['chroot', root, ...command.split(' ')]
  // Only root may change its root directory, also the root of a user namespace.
  const [program = '', ...programArguments] =
    process.getuid?.() === 0 ? chroot : ['unshare', '--map-root-user', ...chroot]
  const { exitCode, stdout, stderr } = await execa(program, programArguments, {
    env: { PATH: `/bin:${process.env['PATH']}`, ...variables },
    extendEnv: false,
    reject: false,
  })
  return { exitCode, stdout, stderr }
}

// A machine without Node is made from another root directory, as Linux has them.
describe.skipIf(process.platform !== 'linux')('the plug-in as one file, on a machine without Node and checkout', () => {
  test('needs only libraries that every Linux with glibc and the C++ library has', async () => {
    const names = (await librariesOf(join(root, 'bin/kubectl-authservice'))).map((path) => path.split('/').at(-1))
    const usual = /^(ld-linux.*|lib(c|m|dl|pthread|stdc\+\+|gcc_s))\.so\.\d+$/
    expect(names.filter((name) => !usual.test(name ?? ''))).toEqual([])
  })

  test('prints the version of the project, and its help', async () => {
    expect(await run('kubectl-authservice version')).toEqual({
      exitCode: 0,
      stdout: `kubectl-authservice ${manifest.version}`,
      stderr: '',
    })
    const help = await run('kubectl-authservice --help')
    expect(help.stdout).toMatch(/^ {2}rollback .*return to the previous revision/m)
  })

  test('is not changed by the NODE_OPTIONS of the user', async () => {
    const { exitCode, stderr } = await run('kubectl-authservice version', { NODE_OPTIONS: '--require /missing.js' })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  })

  test('without a kubeconfig says how to name one', async () => {
    const { exitCode, stderr } = await run('kubectl authservice status accounts')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^kubectl found no kubeconfig with a current context.*KUBECONFIG/)
  })

  test('shows an AuthService of a cluster, and requests a restart of it', async () => {
    const namespace = await Namespace.create(kubeconfigPath, `executable-${Date.now()}`)
    await namespace.apply(authServiceManifest('accounts'))
    const options = `-n ${namespace.name} --kubeconfig /kubeconfig`
    const shown = await run(`kubectl authservice status accounts ${options}`)
    expect(shown.stderr).toBe('')
    expect(shown.stdout).toMatch(/accounts/)
    const restarted = await run(`kubectl authservice restart accounts ${options}`)
    expect(restarted.stdout).toMatch(/^restart .* requested/)
    const { metadata } = await namespace.authService('accounts')
    expect(metadata.annotations?.['auth-operator.dev/restart']).toBeDefined()
    const missing = await run(`kubectl authservice status nobody ${options}`)
    const named = `There is no AuthService nobody in namespace ${namespace.name}. `
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(named) })
    const elsewhere = await run('kubectl authservice clients accounts --kubeconfig /kubeconfig')
    expect(elsewhere.stderr).toMatch(/^There is no AuthService accounts in namespace default. .*add -n NAMESPACE/)
  })
})
