import { join } from 'node:path'
import { cached, cacheKey, isCached } from '../../programs/cache.ts'
import type { StepLog } from '../../programs/step-log.ts'
import { hasImage } from '../docker.ts'
import { privateDocker } from './docker-engine.ts'
import { ensureFilesystemBuilder } from './system-packages.ts'

/** A minimal Debian system with some packages, as one image layer. */
export interface RootFilesystem {
  name: string
  suite: 'bookworm' | 'forky'
  packages: readonly string[]
  /** Only unpacks the packages and what they need, and runs none of their scripts. Also for another architecture. */
  extractOnly?: true
  /** Debian's name of an architecture other than this machine's. */
  architecture?: 'arm64'
}

/** Stands in for `debian:bookworm-slim`. */
export const slim: RootFilesystem = {
  name: 'debian-slim',
  suite: 'bookworm',
  packages: ['ca-certificates', 'openssl', 'libstdc++6'],
}

/** The system around Kubernetes and containerd in a kind node: the packages of kind's own base image. */
export const nodeSystem: RootFilesystem = {
  name: 'kind-debian',
  suite: 'bookworm',
  packages: [
    'systemd',
    'systemd-sysv',
    'dbus',
    'bash',
    'ca-certificates',
    'curl',
    'jq',
    'procps',
    'hostname',
    'pigz',
    'conntrack',
    'iptables',
    'nftables',
    'iproute2',
    'ethtool',
    'socat',
    'util-linux',
    'mount',
    'kmod',
    'runc',
    'containernetworking-plugins',
  ],
}

/** Nginx 1.30 and Redis 8, which Debian 12 is too old for, and the libraries of mongod. */
export const services: RootFilesystem = {
  name: 'debian-services',
  suite: 'forky',
  packages: ['ca-certificates', 'redis-server', 'nginx-light', 'libcurl4t64', 'libssl3t64', 'liblzma5', 'procps'],
}

function ingredients({ suite, packages, extractOnly, architecture }: RootFilesystem) {
  const variant = extractOnly ? { variant: 'extract' } : {}
  return { suite, packages: packages.join(' '), architecture: architecture ?? process.arch, ...variant }
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
  const { name, suite, packages, extractOnly, architecture } = filesystem
  const directory = await cached(
    place(filesystem),
    ingredients(filesystem),
    async (unfinished) => {
      await ensureFilesystemBuilder(log)
      log.report(`${name}: ${packages.length} packages of Debian ${suite} and what they need`)
      // An outdated mirror has an expired release file. apt still verifies its signature.
      const options = ['--aptopt=Acquire::Check-Valid-Until "false"', '--mode=root']
      options.push(`--variant=${extractOnly ? 'extract' : 'minbase'}`)
      if (architecture !== undefined) options.push(`--architectures=${architecture}`)
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
