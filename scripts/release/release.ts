import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from '../../tools/programs/checkout.ts'
import { StepLog } from '../../tools/programs/step-log.ts'
import { chartNames, type PushedChart, packageChart, pushChart } from './charts.ts'
import { releaseClient } from './client.ts'
import { type Architecture, type BaseImage, buildBaseImage, pullBaseImage } from './image/base-image.ts'
import { type BuiltImage, buildImage, dockerfiles, type ImageName, type ImageSource } from './image/build-images.ts'
import { buildManifests, writeInstallFiles } from './install-files.ts'
import { allPlatforms, type Platform } from './node-binaries.ts'
import { releaseNotes } from './notes.ts'
import { hasDigest } from './pinned-images.ts'
import { krewManifestName, releasePlugin } from './plugin.ts'
import { builderOf, provenance } from './provenance.ts'
import { crane, publishedRegistry } from './registry.ts'
import { writeSbom } from './sbom.ts'
import type { Signer } from './signer.ts'
import { publishedDigests, pushStandIns } from './third-party-images.ts'
import { root } from './version.ts'

/** The AuthService of docs/install.md. */
const sample = 'quickstart.yaml'

/** What differs between a release and its dry run. */
export interface ReleaseRequest extends ImageSource {
  /** The Git ref of the release: `refs/tags/v0.1.0`. */
  ref: string
  /** An empty folder for the files of the release. */
  output: string
  /** Where images and charts are pushed: HOST/PATH. Their names in files are always the published ones. */
  registry: string
  signer: Signer
  /** Whether published images can be pulled; otherwise stand-ins are built. */
  base: 'published' | 'built'
  /** Platforms of the kubectl plug-in: all, unless a test needs fewer. */
  pluginPlatforms?: readonly Platform[]
  /** The section of the changelog to use when there is none for the version. */
  fallbackNotes?: string
  report(line: string): void
}

export interface Release {
  images: BuiltImage[]
  charts: PushedChart[]
  /** Image reference of a manifest → digest. */
  digests: Map<string, string>
  /** Names of the files in `output`. */
  files: string[]
}

/** Builds, pushes, signs and describes everything that a version consists of. */
export async function release(request: ReleaseRequest): Promise<Release> {
  const startedOn = new Date()
  const { output, version } = request
  const log = new StepLog(join(checkout.logDirectory, 'release.log'))
  const work = join(output, 'work')
  await mkdir(work, { recursive: true })
  const notes = releaseNotes(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), version, request.fallbackNotes)

  const bases = await step(request, 'Base images for amd64 and arm64', () => baseImages(work, request.base, log))
  const images: BuiltImage[] = []
  for (const name of Object.keys(dockerfiles) as ImageName[]) {
    // keys has the type string[]
    const build = async () => {
      const image = await buildImage(join(work, name), name, bases, request)
      await crane('push', '--index', image.layout, `${request.registry}/${name}:${version}`)
      return image
    }
    images.push(await step(request, `Image ${name}`, build))
  }

  const manifests = await buildManifests(log)
  const digests = await step(request, 'Digests of all images', () => digestsOf(manifests.images, images, request, log))
  await writeInstallFiles(output, manifests, version, digests)
  await copyFile(join(root, 'manifests/samples', sample), join(output, sample))
  const charts = await step(request, 'Charts', () => releaseCharts(request, digests))

  const facts = {
    ...request,
    ...builderOf(process.env),
    bases: Object.entries(bases).map(([architecture, base]) => ({ ...base, architecture })),
    startedOn,
    finishedOn: new Date(),
  }
  const statement = join(output, 'provenance.json')
  await writeFile(statement, `${JSON.stringify(provenance(facts), null, 2)}\n`)
  await step(request, 'SBOMs, signatures and provenance', async () => {
    for (const image of images) await describeImage(image, statement, request)
    for (const { name, digest } of charts) await request.signer.sign(`${request.registry}/charts/${name}@${digest}`)
  })

  await step(request, 'kubectl plug-in', () => pluginFiles(join(work, 'plugin'), request, log))
  await step(request, 'TypeScript client', () => releaseClient(output, request, log))
  await writeFile(join(output, 'release-notes.md'), notes)
  await rm(work, { recursive: true })
  await writeChecksums(output, request.signer)
  return { images, charts, digests, files: (await readdir(output)).sort() }
}

async function step<Result>({ report }: ReleaseRequest, title: string, work: () => Promise<Result>): Promise<Result> {
  const started = performance.now()
  const result = await work()
  report(`${title}: ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return result
}

async function baseImages(
  work: string,
  how: ReleaseRequest['base'],
  log: StepLog,
): Promise<Record<Architecture, BaseImage>> {
  const base = (architecture: Architecture) =>
    how === 'published'
      ? pullBaseImage(join(work, `base-${architecture}`), architecture)
      : buildBaseImage(architecture, log)
  return { amd64: await base('amd64'), arm64: await base('arm64') }
}

/** An image with a digest keeps it. Those of this version have just been built. All others have been published before. */
async function digestsOf(
  references: readonly string[],
  images: readonly BuiltImage[],
  { version, registry, base }: ReleaseRequest,
  log: StepLog,
): Promise<Map<string, string>> {
  const own = new Map(images.map(({ name, digest }) => [`${publishedRegistry}/${name}:${version}`, digest]))
  const others = references.filter((reference) => !hasDigest(reference) && !own.has(reference))
  const host = registry.slice(0, registry.indexOf('/'))
  const found = base === 'published' ? await publishedDigests(others) : await pushStandIns(others, host, log)
  return new Map([...own, ...found])
}

/** The archives of the plug-in, and its krew manifest, without the folders that they are made from. */
async function pluginFiles(directory: string, request: ReleaseRequest, log: StepLog): Promise<void> {
  const { version, output, pluginPlatforms: platforms = allPlatforms } = request
  const baseUrl = `https://github.com/authservice-operator/authservice-operator/releases/download/v${version}`
  const archives = await releasePlugin(directory, { version, baseUrl, platforms }, log)
  for (const file of [...archives.map((archive) => archive.file), krewManifestName]) {
    await copyFile(join(directory, file), join(output, file))
  }
}

async function releaseCharts(request: ReleaseRequest, digests: ReadonlyMap<string, string>): Promise<PushedChart[]> {
  const charts: PushedChart[] = []
  for (const name of chartNames) {
    const file = await packageChart(request.output, name, request.version, digests)
    charts.push(await pushChart(file, name, request.registry))
  }
  return charts
}

/** The SBOM belongs to the manifest of one platform, the provenance to the index that users name. */
async function describeImage(image: BuiltImage, statement: string, request: ReleaseRequest): Promise<void> {
  const repository = `${request.registry}/${image.name}`
  await request.signer.sign(`${repository}@${image.digest}`)
  await request.signer.attest(`${repository}@${image.digest}`, 'slsaprovenance1', statement)
  for (const { digest, platform } of image.manifests) {
    const sbom = join(request.output, `${image.name}-linux-${platform?.architecture}.spdx.json`)
    await writeSbom(sbom, `${repository}@${digest}`, {
      name: `${publishedRegistry}/${image.name}`,
      version: request.version,
    })
    await request.signer.attest(`${repository}@${digest}`, 'spdxjson', sbom)
  }
}

/** One signature covers all files, because it covers their checksums. */
async function writeChecksums(output: string, signer: Signer): Promise<void> {
  const lines: string[] = []
  for (const file of (await readdir(output)).sort()) {
    const sum = createHash('sha256')
      .update(await readFile(join(output, file)))
      .digest('hex')
    lines.push(`${sum}  ${file}`)
  }
  const checksums = join(output, 'checksums.txt')
  await writeFile(checksums, `${lines.join('\n')}\n`)
  await signer.signFile(checksums, `${checksums}.sigstore.json`)
}
