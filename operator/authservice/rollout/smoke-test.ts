import { contentHash } from '../apply/content-hash.ts'
import type { Manifest } from '../apply/plan.ts'
import { jobHealth, lastWordsOf, type ObservedJob } from '../health.ts'
import { findChild, podsOfJob, type Snapshot } from '../snapshot.ts'
import { attemptOf } from './memory.ts'
import type { RolloutMemory, SmokeTestResult } from './world.ts'

/** Name of the Job that tests a revision. One that is tried again later, after it failed, is tested by another Job. */
export function smokeTestName(owner: string, memory: Pick<RolloutMemory, 'revision' | 'startedAt'>) {
  return `${owner}-smoke-${contentHash([memory.revision, attemptOf(memory)]).slice(0, 8)}`
}

/** How the test of the revision that is under way goes; undefined before it was started. */
export function observeSmokeTest(snapshot: Snapshot, memory: RolloutMemory): SmokeTestResult | undefined {
  const { revision } = memory
  const name = smokeTestName(snapshot.authService.metadata.name, memory)
  const job = findChild<ObservedJob & Manifest>(snapshot, 'Job', name)
  if (revision === undefined || job === undefined) return undefined
  const pods = podsOfJob(snapshot, name)
  const { state, message } = jobHealth(job, name, pods)
  const said = lastWordsOf(pods)
  switch (state) {
    case 'ready':
      return { revision, state: 'passed', message: said ?? 'the smoke test passed' }
    case 'failed':
      return { revision, state: 'failed', message: said ?? message }
    case 'waiting':
      return { revision, state: 'running', message: `the smoke test runs: ${message}` }
  }
}
