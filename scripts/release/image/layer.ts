import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { create, list } from 'tar'

/** A layer of an image in a file. */
export interface Layer {
  /** The path of the compressed archive. */
  file: string
  mediaType: string
  /** Digest of the archive without compression. */
  diffId: string
}

export const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** What a layer adds to the layers below, and what it removes from them. */
export interface LayerContent {
  /** Path in the image, without the first slash → file or folder on this machine. */
  files: Readonly<Record<string, string>>
  /** Paths in the image that it hides, without the first slash. */
  removed?: readonly string[]
  /** The modification time of every file. */
  time: Date
}

/**
 * Writes a layer. The same content gives the same bytes with the same Node: entries are sorted and belong to root, and
 * files have one time.
 */
export async function writeLayer(file: string, { files, removed = [], time }: LayerContent): Promise<Layer> {
  const staging = await mkdtemp(join(tmpdir(), 'authservice-layer-'))
  try {
    for (const [path, source] of Object.entries(files)) {
      await mkdir(dirname(join(staging, path)), { recursive: true })
      await cp(source, join(staging, path), { recursive: true, verbatimSymlinks: true })
    }
    for (const path of removed) {
      await mkdir(dirname(join(staging, path)), { recursive: true })
      await writeFile(join(staging, whiteout(path)), '')
    }
    const options = { file, cwd: staging, gzip: true, portable: true, noDirRecurse: true, mtime: time }
    await create(options, await entriesIn(staging))
  } finally {
    await rm(staging, { recursive: true })
  }
  return layerFrom(file)
}

/** The layer in a file that `gzip` compressed. */
export async function layerFrom(file: string): Promise<Layer> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), createGunzip(), hash)
  return { file, mediaType: layerType, diffId: `sha256:${hash.digest('hex')}` }
}

/** The empty file that hides a path of a layer below: `opt/.wh.yarn` hides `opt/yarn`. */
function whiteout(path: string): string {
  const slash = path.lastIndexOf('/') + 1
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`
}

/** Files and folders, each folder before its content. */
async function entriesIn(folder: string, prefix = ''): Promise<string[]> {
  const names = (await readdir(join(folder, prefix))).sort()
  const entries: string[] = []
  for (const name of names) {
    const path = join(prefix, name)
    entries.push(path)
    if ((await lstat(join(folder, path))).isDirectory()) entries.push(...(await entriesIn(folder, path)))
  }
  return entries
}

/** The paths in layers that match, of which the last segment may end in `*`. */
export async function findInLayers(layers: readonly Layer[], patterns: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  const wanted = patterns.map((pattern) => pattern.replace(/^\//, ''))
  const matching = (path: string) =>
    wanted.some((pattern) =>
      pattern.endsWith('*')
        ? path.startsWith(pattern.slice(0, -1)) && dirname(path) === dirname(pattern)
        : path === pattern,
    )
  for (const { file } of layers) {
    const onReadEntry = ({ path }: { path: string }) => {
      const plain = path.replace(/^\.?\//, '').replace(/\/$/, '')
      if (matching(plain)) found.add(plain)
    }
    await list({ file, onReadEntry })
  }
  return [...found].sort()
}
