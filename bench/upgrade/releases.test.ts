import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, onTestFinished, test } from 'vitest'
import { assertInHistory } from './releases.ts'

test('a shallow clone, which lacks the previous release, says how to fetch it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-history-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const git = async (...command: string[]) => (await execa('git', command, { cwd: folder })).stdout
  await git('init', '--quiet', 'origin')
  const commit = async (subject: string) => {
    const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.com']
    await git('-C', 'origin', ...author, 'commit', '--quiet', '--allow-empty', '--message', subject)
    return git('-C', 'origin', 'rev-parse', 'HEAD')
  }
  const [released, latest] = [await commit('released'), await commit('latest')]
  await git('clone', '--quiet', '--depth=1', `file://${join(folder, 'origin')}`, 'shallow')
  await assertInHistory(join(folder, 'shallow'), latest)
  await assertInHistory(join(folder, 'origin'), released)
  await expect(assertInHistory(join(folder, 'shallow'), released)).rejects.toThrow('git fetch --unshallow')
})
