import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateDocker, startEngine, stopIdleEngine } from '../../tools/local-cluster/source/docker-engine.ts'
import { removeNodeNetwork } from '../../tools/local-cluster/source/node-network.ts'
import { buildStandIns, standInImages } from '../../tools/local-cluster/source/stand-ins.ts'
import { goTools } from '../../tools/programs/go-tools.ts'
import type { StepLog } from '../../tools/programs/step-log.ts'
import { crane } from './registry.ts'

/** The digest that each image has in its own registry now. */
export async function publishedDigests(references: readonly string[]): Promise<Map<string, string>> {
  const digests = new Map<string, string>()
  for (const reference of references) digests.set(reference, await crane('digest', reference))
  return digests
}

/**
 * Pushes the stand-ins for published images to a registry on this machine, under the same path.
 * @returns their digests there, which differ from those of the published images
 */
export async function pushStandIns(
  references: readonly string[],
  registry: string,
  log: StepLog,
): Promise<Map<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'authservice-stand-ins-'))
  try {
    await startEngine((await goTools(log)).runcWithoutSysResource)
    await buildStandIns(log)
    const images = await standInImages()
    const digests = new Map<string, string>()
    for (const reference of references) {
      const path = reference.replace('docker.io/', '')
      const image = images.get(path.replace('library/', ''))
      if (image === undefined) throw new Error(`There is no stand-in for ${reference}: add one to stand-ins.ts.`)
      const archive = join(directory, 'image.tar')
      await log.run(privateDocker.binary, ['save', '--output', archive, image], { env: privateDocker.env })
      await crane('push', archive, `${registry}/${path}`)
      digests.set(reference, await crane('digest', `${registry}/${path}`))
    }
    return digests
  } finally {
    await rm(directory, { recursive: true })
    await stopIdleEngine(removeNodeNetwork)
  }
}
