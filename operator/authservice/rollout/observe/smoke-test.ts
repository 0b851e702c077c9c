import { contentHash } from '../../model/content-hash.ts'
import { jobHealth, type ObservedJob, terminationMessageOf } from '../../model/health.ts'
import { jobMarks } from '../../model/labels.ts'
import type { Manifest } from '../../model/manifest.ts'
import { findChild, podsOfJob, type Snapshot } from '../../model/snapshot.ts'
import type { SmokeTestResult } from '../decide/observation.ts'
import type { RolloutRecord } from '../decide/record.ts'
import { attemptOf } from '../rollout-status.ts'

/** Name of the Job that tests a revision. Another attempt, or a repetition of a discarded test, has another Job. */
export function smokeTestName(
  { authService, resolved }: Pick<Snapshot, 'authService' | 'resolved'>,
  record: Pick<RolloutRecord, 'revision' | 'startedAt' | 'retest'>,
): string {
  const { revision, retest } = record
  const again = retest?.count ? [retest.count] : []
  const hash = contentHash([revision, attemptOf(record), ...again, ...jobMarks(resolved)])
  return `${authService.metadata.name}-smoke-${hash.slice(0, 8)}`
}

/** State of the smoke test of the revision in progress; undefined before it is started. */
export function observeSmokeTest(snapshot: Snapshot, record: RolloutRecord): SmokeTestResult | undefined {
  const { revision } = record
  const name = smokeTestName(snapshot, record)
  const job = findChild<ObservedJob & Manifest>(snapshot, 'Job', name)
  if (revision === undefined || job === undefined) return undefined
  const pods = podsOfJob(snapshot, name)
  const { state, message } = jobHealth(job, name, pods)
  const said = terminationMessageOf(pods)
  switch (state) {
    case 'ready':
      return { revision, state: 'passed', message: said ?? 'the smoke test passed' }
    case 'failed':
      return { revision, state: 'failed', message: said ?? message }
    case 'waiting':
      return { revision, state: 'running', message: `the smoke test runs: ${message}` }
  }
}
