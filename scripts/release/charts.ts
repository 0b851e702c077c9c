import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { helm } from '../../tools/checkers/helm.ts'
import { pinImages } from './pinned-images.ts'
import { root } from './version.ts'

export const chartNames = ['authservice-operator', 'authservice-operator-crds'] as const

/** A chart in the registry. */
export interface PushedChart {
  name: string
  /** The path of its archive. */
  file: string
  digest: string
}

/**
 * Packages a chart whose default images have digests.
 * @param directory where to write the archive
 * @param digests image reference → digest
 * @returns the path of the archive
 */
export async function packageChart(
  directory: string,
  name: (typeof chartNames)[number],
  version: string,
  digests: ReadonlyMap<string, string>,
): Promise<string> {
  const staging = await mkdtemp(join(tmpdir(), 'authservice-chart-'))
  try {
    const chart = join(staging, name)
    await cp(join(root, 'charts', name), chart, { recursive: true, dereference: true })
    if (name === 'authservice-operator') {
      for (const file of ['values.yaml', 'files/images.yaml']) await pinFile(join(chart, file), digests)
    }
    await run(['package', chart, '--destination', directory])
  } finally {
    await rm(staging, { recursive: true })
  }
  return join(directory, `${name}-${version}.tgz`)
}

/** Each of the two files has some of the images. The rendered chart, which a test reads, has all. */
async function pinFile(file: string, digests: ReadonlyMap<string, string>): Promise<void> {
  const text = await readFile(file, 'utf8')
  const inFile = [...digests].filter(([reference]) => text.includes(reference))
  await writeFile(file, pinImages(text, new Map(inFile)))
}

/**
 * Pushes the archive to `<registry>/charts/<name>`.
 * @param registry HOST/PATH, reached by HTTP if it is on this machine
 */
export async function pushChart(file: string, name: string, registry: string): Promise<PushedChart> {
  const plain = registry.startsWith('127.0.0.1:') ? ['--plain-http'] : []
  const printed = await run(['push', file, `oci://${registry}/charts`, ...plain])
  const digest = /Digest: (sha256:[0-9a-f]{64})/.exec(printed)?.[1]
  if (digest === undefined) throw new Error(`helm push printed no digest of ${file}: ${printed}`)
  return { name, file, digest }
}

async function run(command: readonly string[]): Promise<string> {
  const { ok, stdout, stderr } = await helm(command)
  if (!ok) throw new Error(`helm ${command[0]} failed: ${stderr}`)
  return `${stdout}\n${stderr}`
}
