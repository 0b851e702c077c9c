import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildProgram } from '../../build/program.ts'
import { root } from '../version.ts'
import { type Architecture, architectures, type BaseImage } from './base-image.ts'
import { type ImageRecipe, readDockerfile } from './dockerfile.ts'
import { findInLayers, writeLayer } from './layer.ts'
import { type Descriptor, type ImageConfig, OciLayout } from './oci-layout.ts'

/** The images of a release: name → Dockerfile. Each has the name of the workspace that it contains. */
export const dockerfiles = { operator: 'Dockerfile.operator', 'api-server': 'Dockerfile.api' } as const
export type ImageName = keyof typeof dockerfiles

export interface ImageSource {
  version: string
  /** The commit. */
  revision: string
  /** The time of the commit: every file and every configuration has it, so that a build can be repeated. */
  time: Date
}

export interface BuiltImage {
  name: ImageName
  /** The folder of its OCI layout. */
  layout: string
  /** Digest of the index. */
  digest: string
  /** One manifest for each architecture. */
  manifests: Descriptor[]
}

/**
 * Assembles an image for all architectures without a container engine. It does not run programs of another
 * architecture: the bundle is the same for all, and bcrypt has a binary for each.
 *
 * @param directory where to write the layout
 */
export async function buildImage(
  directory: string,
  name: ImageName,
  bases: Readonly<Record<Architecture, BaseImage>>,
  source: ImageSource,
): Promise<BuiltImage> {
  const { version, revision } = source
  const recipe = readDockerfile(await readFile(join(root, dockerfiles[name]), 'utf8'), {
    VERSION: version,
    REVISION: revision,
  })
  const annotations = { ...recipe.labels, 'org.opencontainers.image.created': timestamp(source.time) }
  const layout = new OciLayout(directory)
  const manifests: Descriptor[] = []
  await mkdir(directory, { recursive: true })
  for (const architecture of architectures) {
    const base = bases[architecture]
    // Node and the images call the same architecture by different names.
    const dist = await buildProgram(name, `linux-${architecture === 'amd64' ? 'x64' : architecture}`)
    const layer = await writeLayer(join(directory, `${architecture}.tar.gz`), {
      files: { [inWorkdir(recipe, 'LICENSE')]: join(root, 'LICENSE'), [inWorkdir(recipe)]: dist },
      removed: await findInLayers(base.layers, recipe.removed),
      time: source.time,
    })
    const config = configOf(recipe, base, { diffId: layer.diffId, annotations, time: source.time })
    manifests.push(await layout.addImage([...base.layers, layer], config, { ...annotations, ...baseAnnotations(base) }))
  }
  return { name, layout: directory, digest: await layout.finish(manifests, annotations), manifests }
}

function inWorkdir({ workdir }: ImageRecipe, file = ''): string {
  return join(workdir, file).replace(/^\/|\/$/g, '')
}

function configOf(
  recipe: ImageRecipe,
  base: BaseImage,
  own: { diffId: string; annotations: Record<string, string>; time: Date },
): ImageConfig {
  const { config: inherited = {}, rootfs, history = [], os, architecture, variant } = base.config
  const created = timestamp(own.time)
  return {
    architecture,
    os,
    ...(variant !== undefined && { variant }),
    created,
    config: {
      ...inherited,
      Env: [...(inherited.Env ?? []), ...recipe.env],
      Cmd: recipe.cmd,
      User: recipe.user,
      WorkingDir: recipe.workdir,
      ExposedPorts: Object.fromEntries(recipe.ports.map((port) => [port, {}])),
      Labels: own.annotations,
      ...(recipe.healthcheck !== undefined && { Healthcheck: recipe.healthcheck }),
    },
    rootfs: { type: 'layers', diff_ids: [...rootfs.diff_ids, own.diffId] },
    history: [...history, { created, created_by: 'npm run release', comment: 'the program and its license' }],
  }
}

function baseAnnotations({ name, digest }: BaseImage): Record<string, string> {
  return {
    'org.opencontainers.image.base.name': name,
    ...(digest !== undefined && { 'org.opencontainers.image.base.digest': digest }),
  }
}

/** RFC 3339 without fractions of a second. */
function timestamp(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}
