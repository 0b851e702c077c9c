import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../model/manifest.ts'
import type { PodTemplate } from '../../model/revision.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { attemptAnnotation, migrationName } from '../../resources/jobs/migration.ts'
import { templateInputAnnotations } from '../../resources/server/server.ts'
import type { RolloutRecord } from '../decide/record.ts'
import { attemptOf } from '../rollout-status.ts'
import { migrationOf, observeMigration } from './migrations.ts'

const templateOf = (image: string, logLevel: string, annotations = {}): PodTemplate => ({
  metadata: { labels: {}, annotations },
  spec: {
    serviceAccountName: 'accounts',
    containers: [
      {
        name: 'server',
        image,
        env: [
          { name: 'DATABASE_NAME', value: 'auth' },
          { name: 'LOG_LEVEL', value: logLevel },
        ],
        volumeMounts: [],
      },
    ],
    volumes: [],
  },
})
const noJobs = { resources: undefined, labels: {}, annotations: {} }
const earlier = templateOf('server:1', 'info')
const began = (at: string) => ({ startedAt: new Date(at) }) as RolloutRecord
const first = began('2026-11-28T12:00:00Z')
const second = began('2026-11-28T13:00:00Z')

/** Children of the first revision. */
function snapshot(condition?: 'Complete' | 'Failed', metadata: object = {}, jobs: object = {}): Snapshot {
  const attempt = attemptOf(first)
  const job: Manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: migrationName('accounts', { template: earlier, attempt }, 'expand', { jobs: noJobs }),
      annotations: { [attemptAnnotation]: String(attempt) },
      ...metadata,
    },
    ...{ status: { conditions: condition === undefined ? [] : [{ type: condition, status: 'True' }] } },
  }
  // Nothing else of it is read.
  const resolved = { jobs: { ...noJobs, ...jobs } }
  return {
    ...{ authService: { metadata: { name: 'accounts' } }, resolved, children: [job], pods: [] },
    observedAt: new Date('2026-11-28T13:00:00Z'),
  } as unknown as Snapshot
}
const attemptBy = (seen: Snapshot, template: PodTemplate) => migrationOf(seen, 'expand', template, second).attempt

describe('the migration of the previous revision', () => {
  test.each(['Complete', undefined] as const)(
    'is reused by the next one with the same image and database (%s)',
    (is) => {
      const next = templateOf('server:1', 'warn')
      expect(attemptBy(snapshot(is), next)).toBe(attemptOf(first))
      expect(
        observeMigration(snapshot(is), 'expand', { revision: 'r2', template: next, record: second }),
      ).toMatchObject({
        revision: 'r2',
        state: is === 'Complete' ? 'done' : 'running',
      })
    },
  )

  test('is reused by the next one with other labels and annotations of servers, which Jobs do not have', () => {
    const meshed = templateOf('server:1', 'info', { 'linkerd.io/inject': 'enabled' })
    expect(attemptBy(snapshot('Complete'), meshed)).toBe(attemptOf(first))
  })

  test.each<[string, Snapshot, PodTemplate]>([
    ['another image', snapshot('Complete'), templateOf('server:2', 'info')],
    ...templateInputAnnotations.map((annotation): [string, Snapshot, PodTemplate] => [
      `another ${annotation}: a Secret says something else, or a person asked for a restart`,
      snapshot('Complete'),
      templateOf('server:1', 'info', { [annotation]: '1' }),
    ]),
    [
      'another annotation of Jobs, which may be what lets the Job end: that a mesh adds no sidecar',
      snapshot(undefined, {}, { annotations: { 'linkerd.io/inject': 'disabled' } }),
      earlier,
    ],
    ['another label of Jobs', snapshot(undefined, {}, { labels: { 'sidecar.istio.io/inject': 'false' } }), earlier],
    ['one that failed, which is tried again', snapshot('Failed'), earlier],
    ['one that is on its way out', snapshot('Complete', { deletionTimestamp: '2026-11-28T12:30:00Z' }), earlier],
    ['an edited annotation', snapshot('Complete', { annotations: { [attemptAnnotation]: '7' } }), earlier],
    ['one of an operator that noted no attempt', snapshot('Complete', { annotations: {} }), earlier],
  ])('is not reused for %s', (_, seen, template) => {
    expect(attemptBy(seen, template)).toBe(attemptOf(second))
    expect(observeMigration(seen, 'expand', { revision: 'r2', template, record: second })).toBeUndefined()
  })

  test('is not a contraction', () => {
    expect(migrationOf(snapshot('Complete'), 'contract', earlier, second).attempt).toBe(attemptOf(second))
  })
})

describe('a completed migration whose Job was removed', () => {
  const template = earlier
  const recorded = (expiresAt: string): Snapshot => {
    const seen = snapshot('Complete')
    const name = seen.children[0]?.metadata.name ?? ''
    const job = { name, attempt: attemptOf(first), completedAt: '2026-11-28T12:01:00Z', expiresAt }
    return {
      ...seen,
      children: [],
      authService: { metadata: { name: 'accounts' }, status: { finishedJobs: [job] } } as never,
    }
  }

  test('stays complete if its time-to-live had passed', () => {
    const seen = recorded('2026-11-28T12:11:00Z')
    expect(migrationOf(seen, 'expand', template, second)).toMatchObject({
      finishedAt: new Date('2026-11-28T12:01:00Z'),
    })
    expect(observeMigration(seen, 'expand', { revision: 'r2', template, record: second })).toMatchObject({
      ...{ revision: 'r2', state: 'done' },
    })
  })

  test('runs again if a user deleted it before, for another image, and as the other phase', () => {
    expect(migrationOf(recorded('2026-11-28T13:11:00Z'), 'expand', template, second).finishedAt).toBeUndefined()
    const over = recorded('2026-11-28T12:11:00Z')
    expect(migrationOf(over, 'expand', templateOf('server:2', 'info'), second).finishedAt).toBeUndefined()
    expect(migrationOf(over, 'contract', template, second).finishedAt).toBeUndefined()
  })
})
