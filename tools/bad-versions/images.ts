import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from '../local-cluster/cluster.ts'
import { checkout } from '../programs/checkout.ts'
import { StepLog } from '../programs/step-log.ts'

/**
 * Faults of a version: it never becomes ready; it is ready and refuses every password; it answers a second late; it
 * keeps 2 MiB for each request until it is killed for its memory.
 */
export type Fault = 'not-ready' | 'logins-fail' | 'slow' | 'leaks'

/** The `spec.version` that has the fault. */
export async function badVersion(fault: Fault): Promise<string> {
  return `${await ownVersion()}-${fault}`
}

/**
 * Builds versions of this checkout's server with a fault, one layer of a few kilobytes each, and loads them into the
 * cluster. The server's own image must exist: `npm run cluster -- images`.
 */
export async function loadBadVersions(cluster: Cluster, faults: readonly Fault[]): Promise<void> {
  const log = new StepLog(`${checkout.logDirectory}/bad-versions.log`)
  const repository = 'ghcr.io/authservice-operator/api-server'
  const references: string[] = []
  for (const fault of faults) {
    const reference = `${repository}:${await badVersion(fault)}`
    await log.run(
      cluster.docker.binary,
      [
        'build',
        '--tag',
        reference,
        '--build-arg',
        `FAULT=${fault}`,
        '--build-arg',
        `SERVER_IMAGE=${repository}:${await ownVersion()}`,
        import.meta.dirname,
      ],
      { env: cluster.docker.env },
    )
    references.push(reference)
  }
  await cluster.loadImages(references)
}

async function ownVersion(): Promise<string> {
  // Every package.json of npm has a version.
  const { version } = JSON.parse(await readFile(join(checkout.root, 'package.json'), 'utf8')) as { version: string }
  return version
}
