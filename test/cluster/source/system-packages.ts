import { existsSync } from 'node:fs'
import type { StepLog } from '../step-log.ts'

/** What the build needs of Debian, by the package and a file that shows that it is installed. */
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

/** Needs root. Mends what an interrupted installation left behind first. */
export async function installPackages(names: readonly string[], log: StepLog): Promise<void> {
  log.report(`Installing ${names.join(', ')} from Debian`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await log.run('dpkg', ['--configure', '--pending'], { env })
  await log.run('apt-get', ['update', '--quiet'], { env })
  await log.run('apt-get', ['install', '--yes', '--no-install-recommends', ...names], { env })
}
