import { existsSync } from 'node:fs'
import type { StepLog } from '../../programs/step-log.ts'

/** Debian packages that the build needs, each with a file that shows that it is installed. */
const packages: Readonly<Record<string, string>> = {
  'docker.io': '/usr/sbin/dockerd',
  iproute2: '/usr/sbin/ip',
  mmdebstrap: '/usr/bin/mmdebstrap',
  'debian-archive-keyring': '/usr/share/keyrings/debian-archive-keyring.gpg',
  'python3-pip': '/usr/lib/python3/dist-packages/pip',
}

export function missingPackages(exists: (path: string) => boolean = existsSync): string[] {
  return Object.entries(packages).flatMap(([name, file]) => (exists(file) ? [] : [name]))
}

/** What builds a Debian file system. The integration tests need one (for Nginx) before any cluster has been created. */
const filesystemBuilder: readonly string[] = ['mmdebstrap', 'debian-archive-keyring']

/** Installs mmdebstrap where it is missing, which needs root. */
export async function ensureFilesystemBuilder(
  log: Pick<StepLog, 'report' | 'run'>,
  exists: (path: string) => boolean = existsSync,
): Promise<void> {
  const missing = missingPackages(exists).filter((name) => filesystemBuilder.includes(name))
  if (missing.length > 0) await installPackages(missing, log)
}

/** Needs root. Completes an interrupted installation first. */
export async function installPackages(names: readonly string[], log: Pick<StepLog, 'report' | 'run'>): Promise<void> {
  log.report(`Installing ${names.join(', ')} from Debian`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await log.run('dpkg', ['--configure', '--pending'], { env })
  await log.run('apt-get', ['update', '--quiet'], { env })
  await log.run('apt-get', ['install', '--yes', '--no-install-recommends', ...names], { env })
}
