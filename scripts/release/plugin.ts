import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StepLog } from '../../tools/programs/step-log.ts'
import { type Archive, writeArchives } from './archives.ts'
import { buildExecutables } from './executable.ts'
import { krewManifest } from './krew.ts'
import { allPlatforms, type Platform } from './node-binaries.ts'

/** The name of the krew manifest in the directory of a release. */
export const krewManifestName = 'authservice.yaml'

/** What a release of the plug-in is made from. */
export interface PluginRelease {
  /** Version without `v`. */
  version: string
  /** Where users will download the archives, without a slash at its end. */
  baseUrl: string
  /** All platforms, unless a test needs fewer. */
  platforms?: readonly Platform[]
}

/**
 * Writes an archive for each platform and the krew manifest that names them. Folders such as `linux-amd64` stay beside
 * them with what the archives contain.
 */
export async function releasePlugin(
  directory: string,
  { version, baseUrl, platforms = allPlatforms }: PluginRelease,
  log: StepLog,
): Promise<Archive[]> {
  await mkdir(directory, { recursive: true })
  const executables = await buildExecutables(directory, platforms, log)
  const archives = await writeArchives(directory, { version, executables, log })
  await writeFile(join(directory, krewManifestName), krewManifest({ version, baseUrl, archives }))
  return archives
}
