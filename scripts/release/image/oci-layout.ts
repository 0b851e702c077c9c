import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Layer } from './layer.ts'

/** A reference to content by its digest. */
export interface Descriptor {
  mediaType: string
  digest: string
  /** In bytes. */
  size: number
  platform?: { os: string; architecture: string; variant?: string }
  annotations?: Record<string, string>
}

/** The configuration of an image, and Docker's health check. */
export interface ImageConfig {
  architecture: string
  os: string
  variant?: string
  created?: string
  config?: {
    Env?: string[]
    Cmd?: string[]
    Entrypoint?: string[] | null
    User?: string
    WorkingDir?: string
    ExposedPorts?: Record<string, object>
    Labels?: Record<string, string>
    Healthcheck?: object
  }
  rootfs: { type: 'layers'; diff_ids: string[] }
  history?: { created?: string; created_by?: string; empty_layer?: boolean; comment?: string }[]
}

const types = {
  config: 'application/vnd.oci.image.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
}

/**
 * A folder in the format that `crane push --index` and Syft read.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export class OciLayout {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  /** Adds an image of one platform, and resolves with the descriptor of its manifest. */
  async addImage(
    layers: readonly Layer[],
    config: ImageConfig,
    annotations: Record<string, string>,
  ): Promise<Descriptor> {
    const { os, architecture, variant } = config
    const manifest = {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: await this.#addJson(config, types.config),
      layers: await Promise.all(layers.map(({ file, mediaType }) => this.#addFile(file, mediaType))),
      annotations,
    }
    const descriptor = await this.#addJson(manifest, types.manifest)
    return { ...descriptor, platform: { os, architecture, ...(variant !== undefined && { variant }) } }
  }

  /** Combines the images into one index, which becomes the content of the layout. Resolves with its digest. */
  async finish(manifests: readonly Descriptor[], annotations: Record<string, string>): Promise<string> {
    const index = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests, annotations })
    await writeFile(join(this.directory, 'index.json'), index)
    await writeFile(join(this.directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
    return digestOf(index)
  }

  async #addJson(value: object, mediaType: string): Promise<Descriptor> {
    const text = JSON.stringify(value)
    const digest = digestOf(text)
    await writeFile(await this.#blob(digest), text)
    return { mediaType, digest, size: Buffer.byteLength(text) }
  }

  async #addFile(file: string, mediaType: string): Promise<Descriptor> {
    const hash = createHash('sha256')
    await pipeline(createReadStream(file), hash)
    const digest = `sha256:${hash.digest('hex')}`
    await copyFile(file, await this.#blob(digest))
    return { mediaType, digest, size: (await stat(file)).size }
  }

  async #blob(digest: string): Promise<string> {
    const folder = join(this.directory, 'blobs/sha256')
    await mkdir(folder, { recursive: true })
    return join(folder, digest.replace('sha256:', ''))
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
