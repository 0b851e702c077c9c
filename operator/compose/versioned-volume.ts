import { chmod, chown, mkdir, mkdtemp, open, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { SecretData } from '../authservice/model/secret-data.ts'

/** The symbolic link to the current version, and a name that it has before it replaces the previous one. */
const current = '..data'
const next = '..data_next'
const versionPrefix = '..version_'
/** For chown(2): the owner stays. */
const sameOwner = -1

/**
 * Reads the files of a volume that `writeVolume` has written.
 * @returns undefined when it has no version yet
 */
export async function readVolume(directory: string): Promise<SecretData | undefined> {
  const version = join(directory, current)
  const names = await readdir(version).catch(ifMissing(undefined))
  if (names === undefined) return undefined
  const files = names.map(async (name) => [name, await readFile(join(version, name), 'utf8')] as const)
  return Object.fromEntries(await Promise.all(files))
}

/**
 * Makes these files the content of a volume, all at once: as the kubelet does, it writes a folder and moves a symbolic
 * link to it. A volume with the same content stays as it is.
 *
 * Only the owner, who is root in a container, and the group may read the files. They are not writable.
 *
 * @param group ID of the group of the service that reads the files
 * @returns whether it has written
 * @see https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
 */
export async function writeVolume(directory: string, files: SecretData, group: number): Promise<boolean> {
  const existing = await readVolume(directory)
  if (existing !== undefined && isSame(existing, files)) return false
  await mkdir(directory, { recursive: true })
  await shareWith(directory, group, 0o750)
  const version = await mkdtemp(join(directory, versionPrefix))
  for (const [name, content] of Object.entries(files)) await writeShared(join(version, name), content, group)
  await shareWith(version, group, 0o750)
  await rm(join(directory, next), { force: true })
  await symlink(basename(version), join(directory, next))
  await rename(join(directory, next), join(directory, current))
  await linkFiles(directory, Object.keys(files))
  await removeAllBut(directory, [basename(version), current, ...Object.keys(files)])
  return true
}

function isSame(one: SecretData, other: SecretData): boolean {
  const sorted = (files: SecretData) => JSON.stringify(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
  return sorted(one) === sorted(other)
}

async function shareWith(path: string, group: number, mode: number): Promise<void> {
  await chown(path, sameOwner, group)
  await chmod(path, mode)
}

/** Waits for the disk: a database that has taken a password keeps it, whatever happens to the machine. */
async function writeShared(path: string, content: string, group: number): Promise<void> {
  const file = await open(path, 'wx', 0o400)
  try {
    await file.writeFile(content)
    await file.chown(sameOwner, group)
    await file.chmod(0o440)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function linkFiles(directory: string, names: readonly string[]): Promise<void> {
  const present = await readdir(directory)
  for (const name of names.filter((one) => !present.includes(one))) {
    await symlink(join(current, name), join(directory, name))
  }
}

/** Removes earlier versions, with what an interrupted run left, and links to files that are no longer there. */
async function removeAllBut(directory: string, kept: readonly string[]): Promise<void> {
  const names = (await readdir(directory)).filter((name) => !kept.includes(name))
  for (const name of names) await rm(join(directory, name), { recursive: true })
}

function ifMissing<Value>(value: Value) {
  return (error: NodeJS.ErrnoException): Value => {
    if (error.code === 'ENOENT') return value
    throw error
  }
}
