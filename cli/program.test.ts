import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import manifest from './package.json' with { type: 'json' }

const run = (...programArguments: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...programArguments])

test('version prints the version of the plug-in, for people and for programs', async () => {
  expect((await run('version')).stdout).toBe(`kubectl-authservice ${manifest.version}\n`)
  expect(JSON.parse((await run('version', '-o', 'json')).stdout)).toEqual({ client: manifest.version })
})

test('flags may precede or follow the command, and --version works alone, as with kubectl', async () => {
  expect((await run('--version')).stdout).toBe(`kubectl-authservice ${manifest.version}\n`)
  const folder = await mkdtemp(join(tmpdir(), 'kubectl-'))
  // Says which flags reach kubectl, and that there is one AuthService.
  const fake = `#!/bin/sh\necho "$@" >>${folder}/calls\n[ "$1" = get ] && echo '{"metadata":{"name":"accounts"}}'\nexit 0\n`
  await writeFile(join(folder, 'kubectl'), fake, { mode: 0o755 })
  const env = { ...process.env, PATH: [folder, process.env['PATH']].join(delimiter) }
  const main = join(import.meta.dirname, 'main.ts')
  for (const order of [
    ['-n', 'team-a', 'restart', 'accounts'],
    ['restart', 'accounts', '-n', 'team-a'],
  ]) {
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...order], { env })
    expect(stdout, 'a hint means the same namespace').toMatch(/status accounts --watch -n team-a$/m)
  }
  const calls = (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n')
  expect(calls).toHaveLength(4)
  for (const call of calls) expect(call).toMatch(/--namespace team-a$/)
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

/** Runs `status` with a kubectl that prints these lines and fails; undefined: there is no kubectl. */
async function statusWith(kubectlPrints: string | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kubectl-'))
  if (kubectlPrints !== undefined) {
    const fake = `#!/bin/sh\ncat >&2 <<'END'\n${kubectlPrints}\nEND\nexit 1\n`
    await writeFile(join(folder, 'kubectl'), fake, { mode: 0o755 })
  }
  const PATH = kubectlPrints === undefined ? folder : [folder, process.env['PATH']].join(delimiter)
  const ended = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), 'status', 'accounts'], {
    env: { PATH },
  })
  const failed: { code: number; stderr: string } = await ended.then(
    () => expect.fail('the command succeeded'),
    (error) => error,
  )
  expect(failed.code).toBe(1)
  return failed.stderr
}

test('without a kubeconfig the error says so once, and how to name one', async () => {
  const repeated = `E1130 1 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: Get \\"http://localhost:8080/api?timeout=32s\\""`
  const refused = 'The connection to the server localhost:8080 was refused - did you specify the right host or port?'
  const stderr = await statusWith([repeated, repeated, refused].join('\n'))
  expect(stderr).toMatch(/^kubectl found no kubeconfig with a current context.*add --kubeconfig FILE/)
  expect(stderr.split('\n')).toEqual([expect.stringContaining(refused), ''])
})

test('any other error of kubectl appears as it is', async () => {
  expect(await statusWith('error: stat /nowhere: no such file or directory')).toBe(
    'error: stat /nowhere: no such file or directory\n',
  )
})

test('without kubectl the error says that the plug-in needs it', async () => {
  expect(await statusWith(undefined)).toMatch(/^kubectl is not on PATH\..*install it/)
})
