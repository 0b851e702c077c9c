import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { execa } from 'execa'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { buildRootFilesystem, type RootFilesystem, slim } from '../../../tools/local-cluster/source/root-filesystem.ts'
import { cached } from '../../../tools/programs/cache.ts'
import type { StepLog } from '../../../tools/programs/step-log.ts'
import { root } from '../version.ts'
import { type Layer, layerFrom, layerType, writeLayer } from './layer.ts'
import type { Descriptor, ImageConfig } from './oci-layout.ts'

/** The architectures of a release, by the names that images use. */
export const architectures = ['amd64', 'arm64'] as const
export type Architecture = (typeof architectures)[number]

/** The image below the project's own layer, for one architecture. */
export interface BaseImage {
  /** Its reference. */
  name: string
  /** Digest of its manifest; undefined for one that was built on this machine. */
  digest?: string
  layers: Layer[]
  config: ImageConfig
}

/** As in the Dockerfiles. */
const publishedName = 'docker.io/library/node:24-bookworm-slim'

/**
 * Pulls the published base image.
 * @param directory an empty folder for its layers
 * @param name another image, in tests
 */
export async function pullBaseImage(
  directory: string,
  architecture: Architecture,
  name = publishedName,
): Promise<BaseImage> {
  const options = ['pull', '--format=oci', `--platform=linux/${architecture}`]
  await execa(await checker('crane'), [...options, name, directory])
  const blob = (digest: string) => join(directory, 'blobs/sha256', digest.replace('sha256:', ''))
  const { manifests } = await readJson<{ manifests: Descriptor[] }>(join(directory, 'index.json'))
  const digest = manifests[0]?.digest
  if (digest === undefined) throw new Error(`crane pulled no manifest of ${name} for ${architecture}`)
  const manifest = await readJson<{ config: Descriptor; layers: Descriptor[] }>(blob(digest))
  const config = await readJson<ImageConfig>(blob(manifest.config.digest))
  const layers = manifest.layers.map((layer, index) => ({
    file: blob(layer.digest),
    // OCI has its own name for the same format.
    mediaType: layer.mediaType.replace('application/vnd.docker.image.rootfs.diff.tar.gzip', layerType),
    diffId: config.rootfs.diff_ids[index] ?? '',
  }))
  return { name, digest, layers, config }
}

/** File systems with the content of `slim`. Only the one for amd64 is complete. */
const systems: Record<Architecture, RootFilesystem> = {
  amd64: slim,
  // The scripts of the packages cannot run here, so there is no dpkg database and no list of certificate authorities.
  arm64: { ...slim, name: 'debian-slim-arm64', extractOnly: true, architecture: 'arm64' },
}

/** Builds a base image of Debian and npm packages, for a dry run on a machine without access to an image registry. */
export async function buildBaseImage(architecture: Architecture, log: StepLog): Promise<BaseImage> {
  const system = systems[architecture]
  const node = `node-linux-${architecture === 'amd64' ? 'x64' : architecture}`
  const { version, integrity } = await lockedPackage(node)
  const ingredients = { system: JSON.stringify(system), node, version, integrity, format: '1' }
  const directory = await cached(join('release-base', architecture), ingredients, async (unfinished) => {
    const archive = await buildRootFilesystem(system, log)
    log.report(`Packing the base image for ${architecture}`)
    await pipeline(createReadStream(archive), createGzip(), createWriteStream(join(unfinished, 'system.tar.gz')))
    await log.run('npm', ['pack', `${node}@${version}`, '--silent'], { cwd: unfinished })
    const tarball = join(unfinished, `${node}-${version}.tgz`)
    await assertIntegrity(tarball, integrity)
    await log.run('tar', ['--extract', '--gzip', '--file', tarball, '--directory', unfinished])
    const files = { 'usr/local/bin/node': join(unfinished, 'package/bin/node') }
    await writeLayer(join(unfinished, 'node.tar.gz'), { files, time: new Date(0) })
    for (const rest of [tarball, join(unfinished, 'package')]) await rm(rest, { recursive: true })
  })
  const layers = await Promise.all(['system', 'node'].map((name) => layerFrom(join(directory, `${name}.tar.gz`))))
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return {
    name: `Debian ${system.suite} and ${node}@${version}`,
    layers,
    config: {
      architecture,
      os: 'linux',
      config: { Env: [`PATH=${path}`], Cmd: ['node'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    },
  }
}

/** A package of package-lock.json, also one for another platform, which npm does not install. */
async function lockedPackage(name: string): Promise<{ version: string; integrity: string }> {
  const { packages } = await readJson<{ packages: Record<string, { version: string; integrity: string }> }>(
    join(root, 'package-lock.json'),
  )
  const found = packages[`node_modules/${name}`]
  if (found === undefined) throw new Error(`package-lock.json does not have ${name}`)
  return found
}

async function assertIntegrity(file: string, integrity: string): Promise<void> {
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  const found = `sha512-${hash.digest('base64')}`
  if (found !== integrity)
    throw new Error(`${file} has the integrity ${found}, but package-lock.json says ${integrity}`)
}

/** The caller names the format, which a specification defines. */
async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8'))
}
