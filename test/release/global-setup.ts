import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { hostPlatform } from '../../scripts/release/node-binaries.ts'
import { rehearse } from '../../scripts/release/runs.ts'

/** The dry run that all tests share. */
export interface ReleaseUnderTest {
  /** The folder of its files. */
  output: string
  /** HOST/PATH of images and charts. */
  registry: string
  /** The port of the registry on 127.0.0.1. */
  port: number
  /** Image → digest of its index, and of the manifest of each architecture. */
  images: { name: string; digest: string; manifests: Record<string, string> }[]
  /** Chart → digest. */
  charts: { name: string; digest: string }[]
  /** Names of the files. */
  files: string[]
}

declare module 'vitest' {
  interface ProvidedContext {
    release: ReleaseUnderTest
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const output = await mkdtemp(join(tmpdir(), 'authservice-release-'))
  const started = performance.now()
  // plugin.test.ts builds the plug-in for all platforms.
  const rehearsal = await rehearse(output, console.log, [hostPlatform()])
  console.log(`The dry run took ${((performance.now() - started) / 1000).toFixed(0)} s.`)
  const { registry, port, charts, files } = rehearsal
  const images = rehearsal.images.map(({ name, digest, manifests }) => ({
    name,
    digest,
    manifests: Object.fromEntries(
      manifests.map((manifest) => [manifest.platform?.architecture ?? '', manifest.digest]),
    ),
  }))
  project.provide('release', {
    output,
    registry,
    port,
    images,
    charts: charts.map(({ name, digest }) => ({ name, digest })),
    files,
  })
  return async () => {
    await rehearsal.close()
    await rm(output, { recursive: true })
  }
}
