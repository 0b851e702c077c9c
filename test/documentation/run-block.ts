import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { helmHomes } from '../../tools/checkers/helm.ts'

export interface Sandbox {
  /** The path of kubectl. */
  kubectl: string
  /** The path of helm, for blocks that use it. */
  helm?: string
  /** Further programs that the commands need: name → path. */
  programs?: Readonly<Record<string, string>>
  kubeconfigPath: string
  /** Where commands without `-n` act. */
  namespace: string
  /** Replacements of words in capitals, and of names that differ in the cluster. */
  words: Readonly<Record<string, string>>
  /** Files beside the commands. */
  files?: Readonly<Record<string, string>>
  /** From this folder the paths of manifests and charts are found. */
  root: string
}

/** Programs whose failure counts anywhere in a pipe. grep is not one: it finds nothing in a healthy cluster. */
const watched = ['kubectl', 'jq', 'curl', 'openssl', 'base64']

/**
 * Runs the commands of a block as a reader would, in one shell.
 * @returns the failed commands with their output; empty if none failed
 */
export async function runBlock(script: string, sandbox: Sandbox, timeoutSeconds: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-documentation-'))
  try {
    const failures = join(folder, 'failures')
    await writeFile(failures, '')
    // The context has the namespace, as a reader sets it. An option would contradict objects of other namespaces.
    const kubeconfig = join(folder, 'kubeconfig')
    await copyFile(sandbox.kubeconfigPath, kubeconfig)
    const context = ['--kubeconfig', kubeconfig, 'config', 'set-context', '--current', '--namespace', sandbox.namespace]
    await execa(sandbox.kubectl, context)
    const given = { kubectl: sandbox.kubectl, ...(sandbox.helm === undefined ? {} : { helm: sandbox.helm }) }
    const paths = { ...(await pathsOf(watched)), ...given, ...sandbox.programs }
    for (const [name, path] of Object.entries(paths)) {
      const flags = name === 'kubectl' || name === 'helm' ? `--kubeconfig ${kubeconfig} ` : ''
      await writeFile(join(folder, name), wrapper(name, `${path} ${flags}`, failures))
      await chmod(join(folder, name), 0o755)
    }
    for (const [name, content] of Object.entries(sandbox.files ?? {})) await writeFile(join(folder, name), content)
    const text = `cd ${folder} && ln -s ${sandbox.root}/manifests ${sandbox.root}/charts ${sandbox.root}/crds .\nset -u\n${substitute(script, sandbox.words)}\n`
    const { all, timedOut } = await execa('bash', ['-c', text], {
      all: true,
      reject: false,
      timeout: timeoutSeconds * 1000,
      env: { ...helmHomes, PATH: `${folder}:${process.env['PATH']}`, KID: 'none-of-ours' },
    })
    const problems = await readFile(failures, 'utf8')
    if (timedOut) return `did not end within ${timeoutSeconds} s: ${all}`
    return problems
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs the program and records a failure. A port-forward ends by a signal, which must reach kubectl itself. */
function wrapper(name: string, command: string, failures: string): string {
  return `#!/bin/bash
case "$*" in *port-forward*) exec ${command}"$@" ;; esac
said=$(mktemp)
${command}"$@" 2> >(tee "$said" >&2)
code=$?
case "$1$code" in diff1) exit 1 ;; esac # there are differences
[ "$code" = 0 ] || echo "${name} $* ended with $code: $(cat "$said")" >>${failures}
rm -f "$said"
exit "$code"
`
}

async function pathsOf(names: readonly string[]): Promise<Record<string, string>> {
  const found = await Promise.all(
    names
      .filter((name) => name !== 'kubectl')
      .map(async (name) => {
        const { stdout } = await execa('sh', ['-c', `command -v ${name}`], { reject: false })
        if (stdout === '') throw new Error(`${name} is missing: install it, the documentation uses it`)
        return [name, stdout]
      }),
  )
  return Object.fromEntries(found)
}

function substitute(script: string, words: Sandbox['words']): string {
  return Object.entries(words).reduce(
    (text, [word, value]) => text.replaceAll(new RegExp(`(?<![\\w-])${word}(?![A-Z_])`, 'g'), value),
    script,
  )
}
