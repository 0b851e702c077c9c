import { describe, expect, test } from 'vitest'
import type { Manifest } from '../apply/plan.ts'
import { attemptAnnotation, migrationName } from '../resources/migration.ts'
import { outerCauses } from '../resources/server.ts'
import type { Snapshot } from '../snapshot.ts'
import { attemptOf } from './memory.ts'
import { migrationOf, observeMigration } from './migrations.ts'
import type { PodTemplate } from './revisions.ts'
import type { RolloutMemory } from './world.ts'

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
const earlier = templateOf('server:1', 'info')
const began = (at: string) => ({ startedAt: new Date(at) }) as RolloutMemory
const first = began('2026-11-28T12:00:00Z')
const second = began('2026-11-28T13:00:00Z')

/** What the first revision left. */
function snapshot(condition?: 'Complete' | 'Failed', metadata: object = {}): Snapshot {
  const attempt = attemptOf(first)
  const job: Manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: migrationName('accounts', { template: earlier, attempt }, 'expand'),
      annotations: { [attemptAnnotation]: String(attempt) },
      ...metadata,
    },
    ...{ status: { conditions: condition === undefined ? [] : [{ type: condition, status: 'True' }] } },
  }
  // Nothing else of it is read.
  return { authService: { metadata: { name: 'accounts' } }, children: [job], pods: [] } as unknown as Snapshot
}
const attemptBy = (seen: Snapshot, template: PodTemplate) => migrationOf(seen, 'expand', template, second).attempt

describe('the migration of the revision before', () => {
  test.each(['Complete', undefined] as const)('is that of the next one with the same image and database (%s)', (is) => {
    const next = templateOf('server:1', 'warn', { 'example.com/note': 'by a person' })
    expect(attemptBy(snapshot(is), next)).toBe(attemptOf(first))
    expect(observeMigration(snapshot(is), 'expand', { revision: 'r2', template: next, memory: second })).toMatchObject({
      revision: 'r2',
      state: is === 'Complete' ? 'done' : 'running',
    })
  })

  test.each<[string, Snapshot, PodTemplate]>([
    ['another image', snapshot('Complete'), templateOf('server:2', 'info')],
    ...outerCauses.map((cause): [string, Snapshot, PodTemplate] => [
      `another ${cause}: a Secret says something else, or a person asked for a restart`,
      snapshot('Complete'),
      templateOf('server:1', 'info', { [cause]: '1' }),
    ]),
    ['one that failed, which is tried again', snapshot('Failed'), earlier],
    ['one that is on its way out', snapshot('Complete', { deletionTimestamp: '2026-11-28T12:30:00Z' }), earlier],
    [
      'an annotation that somebody changed',
      snapshot('Complete', { annotations: { [attemptAnnotation]: '7' } }),
      earlier,
    ],
    ['one of an operator that noted no attempt', snapshot('Complete', { annotations: {} }), earlier],
  ])('is not for %s', (_, seen, template) => {
    expect(attemptBy(seen, template)).toBe(attemptOf(second))
    expect(observeMigration(seen, 'expand', { revision: 'r2', template, memory: second })).toBeUndefined()
  })

  test('is no contraction', () => {
    expect(migrationOf(snapshot('Complete'), 'contract', earlier, second).attempt).toBe(attemptOf(second))
  })
})
