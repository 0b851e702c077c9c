import { join } from 'node:path'
import { execa } from 'execa'
import { cached } from '../../tools/programs/cache.ts'
import { checkout } from '../../tools/programs/checkout.ts'
import { StepLog } from '../../tools/programs/step-log.ts'

/** The release that users upgrade from, as a commit of this repository. */
export const previousRelease = { version: '0.1.0', commit: 'f27811b3cf423a7e680681785ca3d51a4c6eacfe' }

/** One version of the project: its sources, with their manifests, and the tag of its images. */
export interface Release {
  /** The folder with the sources. */
  root: string
  tag: string
}

/** The sources of this checkout. */
export const currentRelease: Release = { root: checkout.root, tag: 'bench-current' }

/**
 * The sources of the previous release, taken from the history of this repository into the cache.
 *
 * @throws with what to do when the history does not have the commit, as in a shallow clone
 */
export async function fetchPreviousRelease(commit: string = previousRelease.commit): Promise<Release> {
  await assertInHistory(checkout.root, commit)
  const log = new StepLog(join(checkout.logDirectory, 'previous-release.log'))
  const root = await cached('previous-release', { commit }, async (folder) => {
    const archive = join(folder, 'archive.tar')
    await log.run('git', ['archive', '--format=tar', `--output=${archive}`, commit], { cwd: checkout.root })
    await log.run('tar', ['--extract', `--file=${archive}`, `--directory=${folder}`])
    await log.run('rm', [archive])
  })
  return { root, tag: 'bench-previous' }
}

/** @throws with what to do when a clone does not have the commit */
export async function assertInHistory(clone: string, commit: string): Promise<void> {
  const git = (...question: string[]) => execa('git', question, { cwd: clone, reject: false })
  const found = await git('cat-file', '-e', `${commit}^{commit}`)
  if (!found.failed) return
  const isShallow = (await git('rev-parse', '--is-shallow-repository')).stdout.trim() === 'true'
  const remedy = isShallow
    ? 'this clone is shallow: run "git fetch --unshallow"'
    : 'use a clone of the repository with its whole history'
  throw new Error(
    `Release ${previousRelease.version} is commit ${commit}, which is not in the history here; ${remedy}.`,
  )
}
