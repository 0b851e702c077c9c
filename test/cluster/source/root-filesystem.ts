import { join } from 'node:path'
import { cached, cacheKey, isCached } from '../cache.ts'
import { hasImage } from '../docker.ts'
import type { StepLog } from '../step-log.ts'
import { privateDocker } from './docker-engine.ts'

/** A minimal Debian with some packages, as one layer of an image. */
export interface RootFilesystem {
  name: string
  suite: 'bookworm' | 'forky'
  packages: readonly string[]
}

/** Stands in for `debian:bookworm-slim`. */
export const slim: RootFilesystem = {
  name: 'debian-slim',
  suite: 'bookworm',
  packages: ['ca-certificates', 'openssl', 'libstdc++6'],
}

/** What kind's node needs around Kubernetes and containerd: kind's own base image, from the same distribution. */
export const nodeSystem: RootFilesystem = {
  name: 'kind-debian',
  suite: 'bookworm',
  packages: [
    ...['systemd', 'systemd-sysv', 'dbus', 'bash', 'ca-certificates', 'curl', 'jq', 'procps', 'hostname', 'pigz'],
    ...['conntrack', 'iptables', 'nftables', 'iproute2', 'ethtool', 'socat'],
    ...['util-linux', 'mount', 'kmod', 'runc', 'containernetworking-plugins'],
  ],
}

/** Nginx 1.30 and Redis 8, which Debian 12 is too old for, and the libraries that mongod is linked with. */
export const services: RootFilesystem = {
  name: 'debian-services',
  suite: 'forky',
  packages: ['ca-certificates', 'redis-server', 'nginx-light', 'libcurl4t64', 'libssl3t64', 'liblzma5', 'procps'],
}

function ingredients({ suite, packages }: RootFilesystem) {
  return { suite, packages: packages.join(' '), architecture: process.arch }
}

function place({ name }: RootFilesystem): string {
  return join('root-filesystems', name)
}

/** The name of the image that `importRootFilesystem` makes. */
export function imageOf(filesystem: RootFilesystem): string {
  return `${filesystem.name}:${cacheKey(ingredients(filesystem))}`
}

export function rootFilesystemIsCached(filesystem: RootFilesystem): boolean {
  return isCached(place(filesystem), ingredients(filesystem))
}

/** Resolves with the path of a tar archive. */
export async function buildRootFilesystem(filesystem: RootFilesystem, log: StepLog): Promise<string> {
  const { name, suite, packages } = filesystem
  const directory = await cached(
    place(filesystem),
    ingredients(filesystem),
    async (unfinished) => {
      log.report(`${name}: ${packages.length} packages of Debian ${suite} and what they need`)
      // A mirror that stands still has an expired release file; its signature is checked all the same.
      const options = ['--variant=minbase', '--aptopt=Acquire::Check-Valid-Until "false"', '--mode=root']
      await log.run('mmdebstrap', [...options, `--include=${packages.join(',')}`, suite, join(unfinished, 'root.tar')])
    },
    () => log.report(`Another run is building ${name}: waiting for it`),
  )
  return join(directory, 'root.tar')
}

/** Resolves with the name of an image whose only layer is the file system. */
export async function importRootFilesystem(filesystem: RootFilesystem, log: StepLog): Promise<string> {
  const image = imageOf(filesystem)
  if (await hasImage(privateDocker, image)) return image
  const archive = await buildRootFilesystem(filesystem, log)
  await log.run(privateDocker.binary, ['import', archive, image], { env: privateDocker.env })
  return image
}
