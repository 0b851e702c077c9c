import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { distributionOf } from '../local-cluster/mode.ts'
import { buildRootFilesystem, type RootFilesystem } from '../local-cluster/source/root-filesystem.ts'
import { cached } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { ClusterError } from '../programs/failure.ts'
import { StepLog } from '../programs/step-log.ts'

/** Debian 12 has no cosign. This one needs only the C library, which is compatible. */
const debianPackage: RootFilesystem = { name: 'cosign', suite: 'forky', packages: ['cosign'], extractOnly: true }

/**
 * The path of cosign 3, from PATH or from a package of Debian.
 * @throws {ClusterError} when PATH has none and this is not Debian, or the user is not root
 */
export async function cosign(): Promise<string> {
  // Cosign 2 has no signing configuration.
  if (!(await execa('cosign', ['signing-config', 'create', '--help'], { reject: false })).failed) return 'cosign'
  if (!(await canUnpackDebian())) {
    throw new ClusterError(
      'There is no cosign 3 on PATH: install it (https://docs.sigstore.dev/cosign/system_config/installation/).',
    )
  }
  const directory = await cached('cosign', { package: JSON.stringify(debianPackage) }, async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, 'cosign.log'))
    const archive = await buildRootFilesystem(debianPackage, log)
    await log.run('tar', ['--extract', '--file', archive, '--directory', unfinished, './usr/bin/cosign'])
  })
  return join(directory, 'usr/bin/cosign')
}

async function canUnpackDebian(): Promise<boolean> {
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return process.getuid?.() === 0 && process.arch === 'x64' && distributionOf(osRelease).includes('debian')
}
