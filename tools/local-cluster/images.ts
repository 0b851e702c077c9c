import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory, checkout } from '../programs/checkout.ts'
import { withLock } from '../programs/lock.ts'
import type { StepLog } from '../programs/step-log.ts'
import type { Cluster } from './cluster.ts'
import { type Docker, hasImage } from './docker.ts'
import { buildStandIns, standInsAreBuilt, tagStandIns } from './source/stand-ins.ts'
import type { Step } from './step.ts'

/** The base images of the Dockerfiles, and the images that the operator runs in addition to the auth server. */
const publishedImages = ['node:24-bookworm-slim', 'redis:8.0', 'nginx:1.30', 'mongo:8.0']

/** The images of this project, by their Dockerfile. */
const ownImages = { 'Dockerfile.operator': 'operator', 'Dockerfile.api': 'api-server' }

/** The steps that load every image into the cluster that `running` finds. */
export function imageSteps(running: () => Promise<Cluster>): Step[][] {
  const base: Step = {
    id: '20-base-images',
    title: 'Images of Node, Redis, Nginx and MongoDB',
    usualSeconds: 45,
    done: async () => {
      const { mode, docker } = await running()
      return (await baseImagesAreThere(mode, docker)) ? 'already there' : undefined
    },
    run: async (log) => {
      const { mode, docker } = await running()
      if (mode === 'source') await buildStandIns(log)
      else await pullImages(docker, log)
    },
  }
  const own: Step = {
    id: '21-own-images',
    title: 'Images of the operator and the auth server, into the cluster',
    usualSeconds: 60,
    run: async (log) => {
      await buildAndLoad(await running(), log)
    },
  }
  return [[base], [own]]
}

async function baseImagesAreThere(mode: Cluster['mode'], docker: Docker): Promise<boolean> {
  if (mode === 'source') return standInsAreBuilt()
  const found = await Promise.all(publishedImages.map((reference) => hasImage(docker, reference)))
  return found.every(Boolean)
}

async function pullImages(docker: Docker, log: StepLog): Promise<void> {
  for (const reference of publishedImages) {
    log.report(`Pulling ${reference}`)
    await log.run(docker.binary, ['pull', reference], { env: docker.env })
  }
}

async function buildAndLoad(cluster: Cluster, log: StepLog): Promise<void> {
  // Every package.json of npm has a version.
  const { version } = JSON.parse(await readFile(join(checkout.root, 'package.json'), 'utf8')) as { version: string }
  await buildOwnImages(cluster, { root: checkout.root, tag: version }, log)
}

/** Source code of this project, and the tag of the images that are built from it. */
export interface ImageSource {
  root: string
  tag: string
}

/**
 * Builds the images of operator and auth server, and loads them and all that an AuthService needs into the cluster.
 * Takes a lock, because checkouts that share an engine also share image names.
 */
export async function buildOwnImages(cluster: Cluster, source: ImageSource, log: StepLog): Promise<void> {
  const lock = join(cacheDirectory, 'locks', 'images.lock')
  const onWait = () => log.report('Another checkout is building its images: waiting for it')
  await withLock(
    lock,
    async () => {
      if (cluster.mode === 'source') await tagStandIns(log)
      const built = await Promise.all(
        Object.entries(ownImages).map(([dockerfile, name]) => buildImage(cluster, source, dockerfile, name, log)),
      )
      log.report('Loading the images into the cluster')
      await cluster.loadImages([...built, ...publishedImages.slice(1)])
    },
    onWait,
  )
}

async function buildImage(
  cluster: Cluster,
  { root, tag }: ImageSource,
  dockerfile: string,
  name: string,
  log: StepLog,
): Promise<string> {
  const reference = `ghcr.io/authservice-operator/${name}:${tag}`
  await log.run(
    cluster.docker.binary,
    [
      'build',
      '--file',
      join(root, dockerfile),
      '--tag',
      reference,
      '--build-arg',
      `VERSION=${tag}`,
      ...proxyArguments(process.env),
      ...(cluster.mode === 'source' ? ['--network', 'host'] : []), // that engine has no network of its own
      root,
    ],
    { env: cluster.docker.env },
  )
  return reference
}

/** Docker's predefined build arguments, which do not stay in the image. */
function proxyArguments(environment: Readonly<Record<string, string | undefined>>): string[] {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']
  return names.filter((name) => environment[name] !== undefined).flatMap((name) => ['--build-arg', name])
}
