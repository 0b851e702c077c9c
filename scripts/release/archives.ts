import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { create } from 'tar'
import { ZipFile } from 'yazl'
import type { StepLog } from '../../tools/programs/step-log.ts'
import { packageClosure } from '../build/package-closure.ts'
import { executableName } from './executable.ts'
import { nodeLicense, type Platform, partsOf } from './node-binaries.ts'

const root = resolve(import.meta.dirname, '../..')

/** An archive of one platform. */
export interface Archive {
  platform: Platform
  /** Its name in the directory of the release. */
  file: string
  /** SHA-256 in hexadecimal digits. */
  sha256: string
}

/** The files in every archive, besides the executable. */
export const licenseFiles = ['LICENSE', 'THIRD_PARTY_LICENSES'] as const

// The time of every entry: the same input gives the same archive. It is the first that ZIP can express.
const entryTime = new Date('1980-01-01T00:00:00Z')

export function archiveName(version: string, platform: Platform): string {
  const { os, arch } = partsOf(platform)
  return `kubectl-authservice_v${version}_${os}_${arch}.${os === 'windows' ? 'zip' : 'tar.gz'}`
}

/**
 * Puts each executable and the licenses into an archive. Writes the licenses beside the executables.
 * @param executables as `buildExecutables` returns them
 */
export async function writeArchives(
  directory: string,
  { version, executables, log }: { version: string; executables: ReadonlyMap<Platform, string>; log: StepLog },
): Promise<Archive[]> {
  const thirdParty = await thirdPartyLicenses()
  const archives: Archive[] = []
  for (const [platform, executable] of executables) {
    const from = dirname(executable)
    await copyFile(join(root, 'LICENSE'), join(from, 'LICENSE'))
    await writeFile(join(from, 'THIRD_PARTY_LICENSES'), thirdParty)
    const file = archiveName(version, platform)
    const names = [executableName(platform), ...licenseFiles]
    log.report(`Packing ${file}`)
    await (file.endsWith('.zip') ? zip : tarGz)(join(directory, file), from, names)
    archives.push({ platform, file, sha256: await sha256Of(join(directory, file)) })
  }
  return archives
}

/** The licenses of what an executable contains: Node with its own parts, and the npm packages of the plug-in. */
async function thirdPartyLicenses(): Promise<string> {
  const cli = join(root, 'cli')
  const { dependencies } = JSON.parse(await readFile(join(cli, 'package.json'), 'utf8'))
  const packages = await packageClosure(cli, Object.keys(dependencies))
  const node = await readFile(nodeLicense, 'utf8')
  const others = packages.map(async ({ from, path }) => `${path}\n\n${await readFile(join(from, 'LICENSE'), 'utf8')}`)
  return [`Node.js\n\n${node}`, ...(await Promise.all(others))].join(`\n${'-'.repeat(80)}\n\n`)
}

async function tarGz(file: string, cwd: string, names: readonly string[]): Promise<void> {
  await create({ file, cwd, gzip: true, portable: true, mtime: entryTime }, [...names])
}

async function zip(file: string, from: string, names: readonly string[]): Promise<void> {
  const archive = new ZipFile()
  for (const name of names) archive.addFile(join(from, name), name, { mtime: entryTime })
  archive.end()
  await pipeline(archive.outputStream, createWriteStream(file))
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
