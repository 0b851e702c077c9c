import { chmod, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { machineFacts } from '../local-cluster/mode.ts'
import { buildRootFilesystem, services } from '../local-cluster/source/root-filesystem.ts'
import { cached } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { isAtLeast } from '../programs/go-toolchain.ts'
import { StepLog } from '../programs/step-log.ts'

/** The operator's Nginx image, and the oldest release that supports all directives of its configuration. */
const image = 'nginx:1.30'
const oldest = '1.27.4'

/**
 * The folder of a recent enough `nginx`: the one on PATH, or one unpacked from the image or from Debian. An unpacked
 * one runs with its own dynamic loader, so that it does not depend on this machine's libraries.
 */
export async function nginxDirectory(): Promise<string> {
  const installed = await installedVersion()
  if (installed !== undefined && isAtLeast(installed, oldest)) {
    const { stdout } = await execa('sh', ['-c', 'command -v nginx'])
    return dirname(stdout.trim())
  }
  const folder = await cached('nginx', { image, layout: '1' }, unpack)
  return join(folder, 'bin')
}

async function installedVersion(): Promise<string | undefined> {
  const { stderr, failed } = await execa('nginx', ['-v'], { reject: false })
  return failed ? undefined : /nginx\/(\S+)/.exec(stderr)?.[1]
}

async function unpack(folder: string): Promise<void> {
  const log = new StepLog(join(checkout.logDirectory, 'nginx.log'))
  const { dockerAnswers, registryAnswers } = await machineFacts()
  const archive =
    dockerAnswers && registryAnswers ? await exportImage(folder, log) : await buildRootFilesystem(services, log)
  const parts = ['*usr/sbin/nginx', '*usr/lib/*-linux-gnu/*.so*', '*usr/lib64*']
  await log.run('tar', ['--extract', '--file', archive, '--directory', folder, '--wildcards', ...parts])
  if (archive.startsWith(folder)) await rm(archive)

  const entries = await readdir(join(folder, 'usr/lib'), { recursive: true })
  const loader = entries.find((entry) => /\/ld-linux-[^/]+\.so\.\d+$/.test(entry))
  if (loader === undefined) throw new Error(`there is no dynamic loader in ${archive}`)
  // The cache moves the finished folder, so the script finds the other files relative to itself.
  const script = `#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
exec "$here/usr/lib/${loader}" --library-path "$here/usr/lib/${dirname(loader)}" "$here/usr/sbin/nginx" "$@"
`
  await log.run('mkdir', [join(folder, 'bin')])
  await writeFile(join(folder, 'bin/nginx'), script)
  await chmod(join(folder, 'bin/nginx'), 0o755)
}

async function exportImage(folder: string, log: StepLog): Promise<string> {
  const archive = join(folder, 'root.tar')
  const container = (await log.run('docker', ['create', image])).trim()
  await log.run('docker', ['export', '--output', archive, container])
  await log.run('docker', ['rm', container])
  return archive
}
