import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory, checkout } from './checkout.ts'
import type { Cluster } from './cluster.ts'
import { type Docker, hasImage } from './docker.ts'
import { withLock } from './lock.ts'
import { buildStandIns, standInsAreBuilt, tagStandIns } from './source/stand-ins.ts'
import type { Step } from './step.ts'
import type { StepLog } from './step-log.ts'

/** What the project's Dockerfiles start from and what the operator runs beside the auth server. */
const publishedImages = ['node:24-bookworm-slim', 'redis:8.0', 'nginx:1.30', 'mongo:8.0']

/** The two images of this project, by their Dockerfile. */
const ownImages = { 'Dockerfile.operator': 'operator', 'Dockerfile.api': 'api-server' }

/** The steps that bring every image into the cluster that `running` finds. */
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

/** Under a lock: checkouts that share an engine also share the names of images. */
async function buildAndLoad(cluster: Cluster, log: StepLog): Promise<void> {
  const lock = join(cacheDirectory, 'locks', 'images.lock')
  const onWait = () => log.report('Another checkout is building its images: waiting for it')
  await withLock(
    lock,
    async () => {
      if (cluster.mode === 'source') await tagStandIns(log)
      const built = await Promise.all(
        Object.entries(ownImages).map(([dockerfile, name]) => buildImage(cluster, dockerfile, name, log)),
      )
      log.report('Loading the images into the cluster')
      await cluster.loadImages([...built, ...publishedImages.slice(1)])
    },
    onWait,
  )
}

async function buildImage(cluster: Cluster, dockerfile: string, name: string, log: StepLog): Promise<string> {
  // npm gives every package.json a version.
  const { version } = JSON.parse(await readFile(join(checkout.root, 'package.json'), 'utf8')) as { version: string }
  const reference = `ghcr.io/authservice-operator/${name}:${version}`
  await log.run(
    cluster.docker.binary,
    [
      ...['build', '--file', join(checkout.root, dockerfile), '--tag', reference],
      ...['--build-arg', `VERSION=${version}`, ...proxyArguments(process.env)],
      ...(cluster.mode === 'source' ? ['--network', 'host'] : []), // that engine has no network of its own
      checkout.root,
    ],
    { env: cluster.docker.env },
  )
  return reference
}

/** Docker knows these build arguments without a declaration, and leaves them out of the image. */
export function proxyArguments(environment: Readonly<Record<string, string | undefined>>): string[] {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']
  return names.filter((name) => environment[name] !== undefined).flatMap((name) => ['--build-arg', name])
}
