import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { decideMode, machineFacts } from '../../tools/local-cluster/mode.ts'
import type { ImageSource } from './image/build-images.ts'
import type { Platform } from './node-binaries.ts'
import { publishedRegistry, startRegistry } from './registry.ts'
import { type Release, release } from './release.ts'
import { keylessSigner, keySigner } from './signer.ts'
import { projectVersion, root } from './version.ts'

/** The name of the public key among the files of a dry run. */
export const publicKeyFile = 'cosign.pub'

/** A release in a registry on this machine, until `close`. */
export interface Rehearsal extends Release {
  /** HOST/PATH of the images and charts. */
  registry: string
  /** The port of the registry on 127.0.0.1. */
  port: number
  close(): Promise<void>
}

/**
 * Performs all steps of a release without publishing it: the registry is on this machine, and a new key signs.
 * @param pluginPlatforms all, unless a test needs fewer
 */
export async function rehearse(
  output: string,
  report: (line: string) => void,
  pluginPlatforms?: readonly Platform[],
): Promise<Rehearsal> {
  await assertEmpty(output)
  const decision = decideMode(await machineFacts())
  if ('unavailable' in decision) throw new Error(decision.unavailable)
  const source = await sourceFromGit()
  if (await hasChanges()) report('The checkout has changes that are not committed: the release names the last commit.')
  const base = decision.mode === 'published' ? 'published' : 'built'
  if (base === 'built') report('No image registry is reachable: base images are built from Debian and npm packages.')

  await using undo = new AsyncDisposableStack()
  const server = await startRegistry()
  undo.defer(() => server.close())
  const signer = await keySigner()
  undo.defer(() => signer.close())
  const registry = `${server.address}/authservice-operator`
  report(`Registry: ${server.address}`)
  await copyFile(signer.publicKey, join(output, publicKeyFile))
  const released = await release({
    ...source,
    ref: 'HEAD',
    output,
    registry,
    signer,
    base,
    ...(pluginPlatforms !== undefined && { pluginPlatforms }),
    fallbackNotes: 'Unreleased',
    report,
  })
  const keep = undo.move()
  return { ...released, registry, port: server.port, close: () => keep.disposeAsync() }
}

/** The dry run of the command line, whose registry ends with it. */
export async function dryRun(output: string, report: (line: string) => void): Promise<Release> {
  const rehearsal = await rehearse(output, report)
  await rehearsal.close()
  return rehearsal
}

/**
 * Publishes the version of this checkout, with the identity of the workflow that runs this.
 * @throws outside of GitHub Actions, and unless the tag has the version of package.json
 */
export async function publish(output: string, report: (line: string) => void): Promise<Release> {
  const source = await sourceFromGit()
  const ref = process.env['GITHUB_REF']
  const wanted = `refs/tags/v${source.version}`
  if (ref !== wanted) {
    throw new Error(
      `Only the release workflow publishes, for the tag v${source.version}: GITHUB_REF is ${ref ?? 'not set'} instead of ${wanted}. To try a release, use --dry-run.`,
    )
  }
  if (await hasChanges())
    throw new Error('The checkout has changes that are not committed: a release needs a clean one.')
  await assertEmpty(output)
  const signer = await keylessSigner()
  return release({ ...source, ref, output, registry: publishedRegistry, signer, base: 'published', report })
}

async function sourceFromGit(): Promise<ImageSource> {
  const { stdout } = await execa('git', ['log', '-1', '--format=%H %ct'], { cwd: root })
  const [revision = '', seconds] = stdout.split(' ')
  return { version: await projectVersion(), revision, time: new Date(Number(seconds) * 1000) }
}

async function hasChanges(): Promise<boolean> {
  return (await execa('git', ['status', '--porcelain'], { cwd: root })).stdout !== ''
}

async function assertEmpty(output: string): Promise<void> {
  await mkdir(output, { recursive: true })
  if ((await readdir(output)).length > 0) {
    throw new Error(`${output} is not empty: remove it, or name another folder with --output.`)
  }
}
